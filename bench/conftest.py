"""A warm gateway on SQLite, for the benchmarks of its parts, and what they are held against.

A machine's figures are its own, so each is divided by what a fixed piece of Python takes at the same
moment. Those ratios are kept in `baseline.json`; one that doubles fails its benchmark.
`--rebase` writes them anew.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from timeit import repeat
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.administration import Administration
from dream_gateway.gateway import Gateway
from dream_gateway.hookspecs import Identified
from dream_gateway.model import KeyKind, Mode
from dream_gateway.plugins import Plugins
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_benchmark.fixture import BenchmarkFixture

    from dream_gateway.hookspecs import Identity

BASELINE = Path(__file__).with_name("baseline.json")
TOLERANCE = 2.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rebase", action="store_true", help="keep this run's ratios as the baseline")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "own_ratio: holds its figures against others of the same run"
    )


def yardstick() -> float:
    """Return the seconds that a fixed piece of work takes: calls, attributes, dictionaries, bytes."""

    class Counter:
        __slots__ = ("left", "name")

        def __init__(self, name: bytes) -> None:
            self.name = name
            self.left = 1000

        def spend(self, cost: int) -> bytes:
            self.left -= cost
            return b"%b;r=%d" % (self.name, self.left)

    counters = {name: Counter(name) for name in (b"rate", b"quota")}

    def work() -> bytes:
        return b", ".join([counters[name].spend(1) for _ in range(10) for name in counters])

    return min(repeat(work, number=50, repeat=20)) / 50


@pytest.fixture(autouse=True)
def held_against_the_baseline(
    benchmark: BenchmarkFixture, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Fail a benchmark that has become slower in relation to the yardstick.

    One marked `own_ratio` compares what it measures with something else itself.
    """
    if request.node.get_closest_marker("own_ratio"):
        yield
        return
    before = yardstick()
    yield
    name = request.node.name
    stats: Any = benchmark.stats
    ratio = stats.stats.min / min(before, yardstick())
    known = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    if request.config.getoption("--rebase"):
        known[name] = round(ratio, 4)
        BASELINE.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n")
    assert ratio <= known[name] * TOLERANCE, f"{ratio:.3f} yardsticks, and was {known[name]:.3f}"


@dataclass
class Warm:
    """A gateway with one customer key that was used often enough to have long leases."""

    loop: asyncio.AbstractEventLoop
    gateway: Gateway
    key: str
    secret_key: str
    publishable_key: str
    token: str


class OneUser(Plugins):
    """Plugins that know one end user by any token: a warm request verifies none."""

    tenant: str | None = None

    def identities(self) -> tuple[Identity, ...]:
        return (self,)

    async def verify(self, token: str) -> Identified | None:
        del token
        return Identified("https://id.example.com", "ada", tenant=self.tenant, expires_at=1e12)


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[Warm]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    settings = Settings(store=f"sqlite:///{tmp_path}/dream.db", lease_max=10_000_000)
    gateway = Gateway(settings)
    yield loop.run_until_complete(_start(loop, gateway))
    loop.run_until_complete(gateway.close())
    asyncio.set_event_loop(None)
    loop.close()


async def _start(loop: asyncio.AbstractEventLoop, gateway: Gateway) -> Warm:
    gateway.plugins = plugins = OneUser({})
    await gateway.start()
    administration = Administration(gateway.records)
    made = await administration.create_platform(
        "shop", Mode.TEST, [parse_tier("pro=unlimited@1000000000/s")], []
    )
    await administration.create_customer(made.project.id, "ada", None)
    key = (await administration.create_key(made.project.id, "ada")).secret
    plugins.tenant, token = made.publishable_key, f"eyJ{'x' * 700}"
    # Leases double each time they run out within a second: a million units each is enough to measure.
    for _ in range(40):
        await gateway.admission.key(key, 200_000)
        await gateway.admission.key(token, 200_000, publishable=made.publishable_key)
    await gateway.admission.track(made.project, "ada", 1, None)
    await gateway.admission.holders.project_of(made.secret_key, frozenset({KeyKind.SECRET}))
    return Warm(loop, gateway, key, made.secret_key, made.publishable_key, token)

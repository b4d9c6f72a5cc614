"""`billing reconcile`, on a real SQLite file and a fake Stripe."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.billing.test_overage import Meter, _sell
from tests.billing.till import opened

from dream_gateway.billing.collector import EVERY_SECONDS
from dream_gateway.testing import FakeClock
from dream_gateway_stripe.testing import FakeStripe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Command = Callable[..., Any]


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    # The command goes by the system's clock; what happened here did lately.
    with FakeStripe(clock=FakeClock(time.time() - 10 * EVERY_SECONDS)) as each:
        yield each


@pytest.fixture
def config(fake: FakeStripe, store: str, tmp_path: Path) -> str:
    """Have 25 units beyond the limit reported, and return the settings' file."""

    async def prepare() -> None:
        async with opened(fake, fake.clock, store) as till:
            await _sell(till)
            await till.subscribe("metered")
            meter = Meter(till)
            await meter.use(125)
            await meter.look()
            await meter.send()

    asyncio.run(prepare())
    file = tmp_path / "dream.toml"
    file.write_text(
        f"[plugins.stripe]\nsecret_key = '{fake.keys().secret}'\n"
        f"api_url = '{fake.base_url}'\nconnect_url = '{fake.base_url}'\n"
    )
    return str(file)


def test_what_agrees_and_what_does_not(run: Command, config: str, fake: FakeStripe) -> None:
    agrees = run("billing", "reconcile", "--config", config, "--json")
    assert agrees.code == 0, agrees.err
    (line,) = agrees.json["data"]
    assert (line["customer"], line["included"], line["used"], line["overage"]) == (
        "ada", 100, 125, 25,
    )  # fmt: skip
    assert (line["unreported"], line["sent"], line["provider"], line["difference"]) == (
        0,
        25,
        25,
        0,
    )
    shown = run("billing", "reconcile", "--config", config)
    assert shown.out.splitlines()[0].split()[:3] == ["projectId", "customer", "plan"]
    usage = fake.world.usage
    key = next(iter(usage))
    usage[key[0], "twice"] = usage[key]
    differs = run("billing", "reconcile", "--config", config, "--retry", "--json")
    assert differs.code == 1
    assert differs.json["data"][0]["difference"] == 25
    nobody = run("billing", "reconcile", "--config", config, "--project", "prj_other", "--json")
    assert (nobody.code, nobody.json) == (0, {"data": []})


def test_without_a_plugin_there_is_nothing_to_compare_with(run: Command) -> None:
    result = run("billing", "reconcile")
    assert (result.code, result.out) == (1, "")
    assert "takes no payments" in result.err

"""What watching costs a warm check, or charge, from bytes to bytes: each way in turn, as ratios to none.

Processor time, that of the threads that write or send with it, and the least of some rounds: so other
programs on the machine do not matter.

`scripts/bench -s bench/test_observability.py` prints the table.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from time import process_time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from tests.servers.protocols import State

from bench.test_protocol import Sink, ask
from dream_gateway.edge.front import Front
from dream_gateway.edge.origins import Origins
from dream_gateway.edge.protocol import EdgeProtocols
from dream_gateway.edge.routes import RouteTable
from dream_gateway.http1.access import AccessLog
from dream_gateway.http1.watch import Watch
from dream_gateway.plugins import Plugins
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway.service.protocol import ServiceProtocols

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from conftest import Warm  # type: ignore[import-not-found] # pytest's own, beside this file
    from pytest_benchmark.fixture import BenchmarkFixture

    from dream_gateway.http1.connection import HttpConnection

    Connect = Callable[..., HttpConnection]
    Way = Callable[[Warm, Path], AbstractAsyncContextManager[HttpConnection]]

CHECKS = 40_000
DEAR_CHECKS = 1_000
TIMES = {"check": CHECKS, "charge": CHECKS, "exchange": 4_000}
WARM_UP = 2_000
AT_ONCE = 200
"""Checks between two turns of the event loop."""

ROUNDS = 7
FREE = 1.1
"""What costs nothing is not dearer by so much in each round, though rounds of one machine differ."""

SAMPLED = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def connection(warm: Warm, watch: Watch | None = None, tracer: Any = None) -> Any:
    """Return a connection to an edge that answers `/authorize`."""
    front = Front(warm.gateway.admission, RouteTable([]))
    return _connected(EdgeProtocols(front, Origins(), watch, tracer))


def charging(warm: Warm, tracer: Any = None) -> Any:
    """Return a connection to a service."""
    return _connected(ServiceProtocols(create_service(ServiceHost(warm.gateway)), None, tracer))


def _connected(protocols: EdgeProtocols | ServiceProtocols) -> Any:
    if protocols.tracing is not None:
        protocols.tracing.start()
    client = protocols(None, State(), None)
    client.connection_made(Sink())
    return client


@asynccontextmanager
async def nothing(warm: Warm, _: Path) -> AsyncIterator[Any]:
    yield connection(warm)


@asynccontextmanager
async def metrics(warm: Warm, _: Path) -> AsyncIterator[Any]:
    telemetry = warm.gateway.telemetry
    telemetry.begin(by_project=True)
    yield connection(warm)
    await telemetry.aclose()


@asynccontextmanager
async def opened(warm: Warm) -> AsyncIterator[Any]:
    """Have a tracer whose collector is not there."""
    table: dict[str, object] = {"endpoint": "http://127.0.0.1:9", "metrics": False}
    plugins = Plugins({"otel": table})
    (otel,) = plugins.exporters()
    await otel.open(warm.gateway)
    yield otel
    otel._hurry()  # type: ignore[attr-defined] # nobody listens there
    await plugins.aclose()


@asynccontextmanager
async def tracer(warm: Warm, _: Path) -> AsyncIterator[Any]:
    async with opened(warm) as otel:
        yield connection(warm, tracer=otel)


@asynccontextmanager
async def charges(warm: Warm, _: Path) -> AsyncIterator[Any]:
    yield charging(warm)


@asynccontextmanager
async def traced_charges(warm: Warm, _: Path) -> AsyncIterator[Any]:
    async with opened(warm) as otel:
        yield charging(warm, otel)


@asynccontextmanager
async def log(warm: Warm, folder: Path) -> AsyncIterator[Any]:
    access = AccessLog(str(folder / "access.log"))
    yield connection(warm, Watch(access=access))
    await asyncio.to_thread(access.close)


class Case(NamedTuple):
    """A way to watch, what is asked, and what that is compared with; what is free costs no more."""

    way: Way
    asked: str
    base: str
    is_free: bool = True


CASES = {
    "nothing": Case(nothing, "check", "nothing"),
    "metrics": Case(metrics, "check", "nothing"),
    "traces, of others": Case(tracer, "check", "nothing"),
    "traces, of each": Case(tracer, "sampled", "nothing", is_free=False),
    "access log": Case(log, "check", "nothing", is_free=False),
    "charge": Case(charges, "charge", "charge"),
    "charge, traces of others": Case(traced_charges, "charge", "charge"),
    "exchange": Case(charges, "exchange", "exchange"),
    "exchange, traces of others": Case(traced_charges, "exchange", "exchange"),
}


def requests(warm: Warm) -> dict[str, bytes]:
    """Return what is asked: by the shortcut, traced, or by an exchange that answers from memory."""
    key, user = f"Authorization: Bearer {warm.key}", "X-User-Id: ada"
    secret = f"Authorization: Bearer {warm.secret_key}"
    return {
        "check": ask(b"GET /authorize", key),
        "sampled": ask(b"GET /authorize", key, SAMPLED),
        "charge": ask(b"POST /api/data", secret, user),
        "exchange": ask(b"POST /api/data", secret, user, "Content-Length: 10") + b'{"cost":1}',
    }


async def check(client: Any, request: bytes, times: int) -> None:
    """Ask so often, and let the event loop turn now and then."""
    for _ in range(times // AT_ONCE):
        for _ in range(AT_ONCE):
            client.data_received(request)
            while client.away is not None or client._queue:  # noqa: ASYNC110 - a lease is no event
                await asyncio.sleep(0)
        await asyncio.sleep(0)


async def seconds(warm: Warm, folder: Path, case: Case, request: bytes) -> float:
    """Return how long one request takes, with what is done beside them."""
    times = DEAR_CHECKS if not case.is_free else TIMES[case.asked]
    async with AsyncExitStack() as stack:
        client: Any = await stack.enter_async_context(case.way(warm, folder))
        await check(client, request, WARM_UP)
        began = process_time()
        await check(client, request, times)
        took = process_time() - began
        assert client._transport.last.startswith(b"HTTP/1.1 200")
    return took / times


@pytest.mark.own_ratio
def test_watching(benchmark: BenchmarkFixture, warm: Warm, tmp_path: Path) -> None:
    asked = requests(warm)
    took: dict[str, list[float]] = {name: [] for name in CASES}

    def one_round() -> None:
        for name, case in CASES.items():
            one = seconds(warm, tmp_path, case, asked[case.asked])
            took[name].append(warm.loop.run_until_complete(one))

    benchmark.pedantic(one_round, rounds=ROUNDS, iterations=1)  # type: ignore[no-untyped-call]
    for name, case in CASES.items():
        least = min(took[name])
        ratio = least / min(took[case.base])
        benchmark.extra_info[name] = round(ratio, 3)
        sys.stdout.write(f"\n{name:28} {least * 1_000_000:8.2f} µs {ratio:8.2f}")
        beside = zip(took[name], took[case.base], strict=True)
        assert not case.is_free or min(each / none for each, none in beside) <= FREE, name

"""What watching costs a warm check, from bytes to bytes: each way in turn, as ratios to none.

Processor time, that of the threads that write or send with it, and the least of some rounds: so other
programs on the machine do not matter.

`scripts/bench -s bench/test_observability.py` prints the table.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from time import process_time
from typing import TYPE_CHECKING, Any

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
    protocols = EdgeProtocols(front, Origins(), watch, tracer)
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
async def tracer(warm: Warm, _: Path) -> AsyncIterator[Any]:
    table: dict[str, object] = {"endpoint": "http://127.0.0.1:9", "metrics": False}
    plugins = Plugins({"otel": table})
    (otel,) = plugins.exporters()
    await otel.open(warm.gateway)
    client = connection(warm, tracer=otel)
    yield client
    otel._hurry()  # type: ignore[attr-defined] # nobody listens there
    await plugins.aclose()


@asynccontextmanager
async def log(warm: Warm, folder: Path) -> AsyncIterator[Any]:
    access = AccessLog(str(folder / "access.log"))
    yield connection(warm, Watch(access=access))
    await asyncio.to_thread(access.close)


# Each way, and whether it is dear.
WAYS: dict[str, tuple[Way, bool]] = {
    "nothing": (nothing, False),
    "metrics": (metrics, False),
    "traces, of others": (tracer, False),
    "traces, of each": (tracer, True),
    "access log": (log, True),
}


async def check(client: Any, request: bytes, times: int) -> None:
    """Ask so often, and let the event loop turn now and then."""
    for _ in range(times // AT_ONCE):
        for _ in range(AT_ONCE):
            client.data_received(request)
            while client.away is not None or client._queue:  # noqa: ASYNC110 - a lease is no event
                await asyncio.sleep(0)
        await asyncio.sleep(0)


async def seconds(warm: Warm, folder: Path, name: str, request: bytes) -> float:
    """Return how long one check takes, with what is done beside them."""
    way, is_dear = WAYS[name]
    checks = DEAR_CHECKS if is_dear else CHECKS
    async with AsyncExitStack() as stack:
        client: Any = await stack.enter_async_context(way(warm, folder))
        await check(client, request, WARM_UP)
        began = process_time()
        await check(client, request, checks)
        took = process_time() - began
        assert client._transport.last.startswith(b"HTTP/1.1 200")
    return took / checks


@pytest.mark.own_ratio
def test_watching(benchmark: BenchmarkFixture, warm: Warm, tmp_path: Path) -> None:
    bearer = f"Authorization: Bearer {warm.key}"
    plain, sampled = ask(b"GET /authorize", bearer), ask(b"GET /authorize", bearer, SAMPLED)
    took: dict[str, list[float]] = {name: [] for name in WAYS}

    def one_round() -> None:
        for name in WAYS:
            asked = sampled if name == "traces, of each" else plain
            one = warm.loop.run_until_complete(seconds(warm, tmp_path, name, asked))
            took[name].append(one)

    benchmark.pedantic(one_round, rounds=ROUNDS, iterations=1)  # type: ignore[no-untyped-call]
    least = {name: min(times) for name, times in took.items()}
    ratios = {name: each / least["nothing"] for name, each in least.items()}
    for name, ratio in ratios.items():
        each = least[name] * 1_000_000
        benchmark.extra_info[name] = round(ratio, 3)
        sys.stdout.write(f"\n{name:20} {each:8.2f} µs {ratio:8.2f}")
    for name in ("metrics", "traces, of others"):
        beside = zip(took[name], took["nothing"], strict=True)
        assert min(each / none for each, none in beside) <= FREE, name

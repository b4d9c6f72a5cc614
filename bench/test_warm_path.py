"""What a warm check costs, step by step: run with `scripts/bench`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from dream_gateway import gcra, keys
from dream_gateway.edge.app import Edge
from dream_gateway.edge.http_upstream import HttpUpstream
from dream_gateway.edge.routes import RouteTable
from dream_gateway.model import KeyKind, Mode

if TYPE_CHECKING:
    from conftest import Warm  # type: ignore[import-not-found] # pytest's own, beside this file
    from pytest_benchmark.fixture import BenchmarkFixture

RATE = gcra.Rate(limit=100, period_us=1_000_000, burst=100)


def test_parse_and_digest(benchmark: BenchmarkFixture) -> None:
    key = keys.mint(KeyKind.CUSTOMER, Mode.TEST)

    def run() -> bytes:
        assert keys.parse(key) is not None
        return keys.digest(key)

    assert len(benchmark(run)) == 32


def test_gcra_take(benchmark: BenchmarkFixture) -> None:
    taken = benchmark(gcra.take, RATE, gcra.Bucket(), 1_000_000, 1, 1)
    assert taken.granted == 1


def test_cache_hit(benchmark: BenchmarkFixture, warm: Warm) -> None:
    lookup = warm.gateway.admission._lookup
    assert benchmark(lookup.peek_key, warm.key) is not None


def repeated(benchmark: BenchmarkFixture, call: Any, arguments: tuple[Any, ...]) -> Any:
    """Return what a call returns that uses up leases: no more than there is in them."""
    return benchmark.pedantic(call, arguments, rounds=100, iterations=1_000)  # type: ignore[no-untyped-call]


def test_spend_from_two_leases(benchmark: BenchmarkFixture, warm: Warm) -> None:
    admission = warm.gateway.admission
    subject = admission._lookup.peek_key(warm.key)
    assert subject is not None
    counters = subject.counters
    assert len(counters) == 2
    now = warm.gateway.clock.monotonic()
    spend = admission._meter.try_spend
    assert repeated(benchmark, spend, (counters, 1, now))


def test_whole_admission(benchmark: BenchmarkFixture, warm: Warm) -> None:
    admit = warm.gateway.admission.try_key
    verdict = repeated(benchmark, admit, (warm.key, 1))
    assert verdict is not None
    assert verdict.allowed


def test_whole_token_admission(benchmark: BenchmarkFixture, warm: Warm) -> None:
    admission, publishable = warm.gateway.admission, warm.publishable_key

    def admit(token: str) -> Any:
        return admission.try_key(token, 1, publishable=publishable)

    verdict = repeated(benchmark, admit, (warm.token,))
    assert verdict is not None
    assert verdict.allowed


def test_remembered_caller(benchmark: BenchmarkFixture, warm: Warm) -> None:
    clock = warm.gateway.clock
    caller = warm.gateway.admission.by_key(keys.digest(warm.key))
    assert benchmark(caller.find, clock.now(), clock.monotonic()) is not None


def test_whole_asgi_check(benchmark: BenchmarkFixture, warm: Warm) -> None:
    edge = Edge(
        admission=warm.gateway.admission,
        routes=RouteTable([]),
        upstream=HttpUpstream(),
        options=None,
    )
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/authorize",
        "raw_path": b"/authorize",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer " + warm.key.encode())],
        "client": ("127.0.0.1", 1),
    }
    sent: list[Any] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    def run() -> int:
        sent.clear()
        # Warm, it never waits: one step of the coroutine is all of it.
        with contextlib.suppress(StopIteration):
            edge(scope, receive, send).send(None)
        status = sent[0]["status"]
        assert isinstance(status, int)
        return status

    assert benchmark(run) == 200

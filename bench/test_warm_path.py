"""What a warm check costs, step by step: run with `scripts/bench`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway import gcra, keys
from dream_gateway.model import KeyKind, Mode

if TYPE_CHECKING:
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

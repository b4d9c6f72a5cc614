"""What is served while the store is away."""

from __future__ import annotations

import pytest
from tests.cache.source import OPTIONS, USELESS_AFTER, Bench

from dream_gateway.errors import StoreUnavailableError


async def test_while_the_store_is_away_what_is_known_is_served_until_it_is_too_old(
    bench: Bench,
) -> None:
    await bench.cache.get("a")
    bench.source.away = True
    bench.clock.advance(USELESS_AFTER - 0.1)
    assert bench.cache.peek("a") == "old"
    assert await bench.cache.get("a") == "old"
    bench.cache.distrust()
    assert await bench.cache.get("a") == "old"
    bench.clock.advance(0.1)
    with pytest.raises(StoreUnavailableError):
        await bench.cache.get("a")
    bench.source.away = False
    assert await bench.cache.get("a") == "old"


async def test_while_the_store_is_away_what_changed_is_not_served(bench: Bench) -> None:
    await bench.cache.get("a")
    bench.source.away = True
    bench.change("a", "new")
    with pytest.raises(StoreUnavailableError):
        await bench.cache.get("a")


async def test_while_the_store_is_away_nothing_is_called_absent(bench: Bench) -> None:
    bench.source.away = True
    with pytest.raises(StoreUnavailableError):
        await bench.cache.get("a")
    bench.source.away = False
    bench.change("a", None)
    assert await bench.cache.get("a") is None
    bench.source.away = True
    bench.clock.advance(OPTIONS.negative_ttl)
    with pytest.raises(StoreUnavailableError):
        await bench.cache.get("a")

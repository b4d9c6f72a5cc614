"""Values that are made of others go, age and are doubted with them."""

from __future__ import annotations

import pytest
from tests.cache.source import OPTIONS, PAIR, USELESS_AFTER, Bench

from dream_gateway.errors import StoreUnavailableError


async def test_a_value_made_of_others_goes_when_one_of_them_changes(bench: Bench) -> None:
    assert await bench.cache.get(PAIR) == ("old", "old")
    bench.change("b", "new")
    assert bench.cache.peek(PAIR) is None
    assert await bench.cache.get(PAIR) == ("old", "new")
    assert bench.source.loads == [PAIR, "a", "b", PAIR, "b"]


async def test_a_part_that_changes_while_the_rest_is_read_is_read_again(bench: Bench) -> None:
    await bench.cache.get("a")
    bench.source.open = False
    before = await bench.asking(PAIR)  # It has the old `a` in hand, and waits for `b`.
    bench.change("a", "new")
    after = await bench.asking(PAIR)
    await bench.let_go()
    assert await before == ("old", "old")
    assert await after == ("new", "old")
    assert bench.cache.peek(PAIR) == ("new", "old")


async def test_a_value_made_of_others_is_as_old_as_the_oldest(bench: Bench) -> None:
    await bench.cache.get("a")
    bench.clock.advance(OPTIONS.ttl - 0.1)
    await bench.cache.get(PAIR)
    bench.source.away = True
    bench.clock.advance(OPTIONS.max_stale)
    assert await bench.cache.get(PAIR) == ("old", "old")
    bench.clock.advance(0.1)
    with pytest.raises(StoreUnavailableError):
        await bench.cache.get(PAIR)


async def test_a_value_made_of_what_an_outage_kept_is_not_kept_for_longer(bench: Bench) -> None:
    await bench.cache.get("a")
    await bench.cache.get("b")
    bench.source.away = True
    bench.clock.advance(USELESS_AFTER - 1)
    assert await bench.cache.get(PAIR) == ("old", "old")
    bench.clock.advance(1)
    assert bench.cache.peek(PAIR) is None


async def test_absence_that_follows_from_anothers_is_remembered_no_longer(bench: Bench) -> None:
    bench.change("b", None)
    assert await bench.cache.get("b") is None
    bench.clock.advance(OPTIONS.negative_ttl - 0.1)
    assert await bench.cache.get(PAIR) is None
    bench.source.values["b"] = "new"
    bench.clock.advance(0.1)
    assert await bench.cache.get(PAIR) == ("old", "new")


async def test_a_value_made_of_others_takes_none_that_is_past_its_time(bench: Bench) -> None:
    await bench.cache.get("a")
    bench.clock.advance(OPTIONS.ttl)
    bench.source.values["a"] = "new"
    assert await bench.cache.get(PAIR) == ("new", "old")


async def test_a_value_made_of_others_is_doubted_with_them(bench: Bench) -> None:
    """A part kept over an outage was read before the doubt: the whole is no newer."""
    await bench.cache.get("a")
    await bench.cache.get("b")
    bench.cache.distrust()
    bench.source.away = True
    assert await bench.cache.get(PAIR) == ("old", "old")
    bench.source.away = False
    bench.source.values["a"] = "new"
    assert bench.cache.peek(PAIR) is None
    assert await bench.cache.get(PAIR) == ("new", "old")

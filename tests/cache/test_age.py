"""How long a value is served, and when it is loaded again."""

from __future__ import annotations

from tests.cache.source import OPTIONS, USELESS_AFTER, Bench, bench_of, turn

from dream_gateway.cache import CacheOptions


async def test_past_its_time_a_value_is_served_once_more_while_it_is_loaded_again(
    bench: Bench,
) -> None:
    await bench.cache.get("a")
    bench.source.values["a"] = "new"
    bench.clock.advance(OPTIONS.ttl - 0.1)
    assert await bench.cache.get("a") == "old"
    assert bench.source.loads == ["a"]
    bench.clock.advance(0.1)
    assert bench.cache.peek("a") == "old"
    await turn()
    assert bench.cache.peek("a") == "new"
    assert bench.source.loads == ["a", "a"]


async def test_a_value_that_is_too_old_is_not_served_but_waited_for(bench: Bench) -> None:
    await bench.cache.get("a")
    bench.source.values["a"] = "new"
    bench.clock.advance(USELESS_AFTER)
    assert bench.cache.peek("a") is None
    assert await bench.cache.get("a") == "new"


async def test_absence_is_remembered_for_a_short_while(bench: Bench) -> None:
    bench.change("a", None)
    assert await bench.cache.get("a") is None
    bench.source.values["a"] = "new"
    bench.clock.advance(OPTIONS.negative_ttl - 0.1)
    assert await bench.cache.get("a") is None
    assert bench.source.loads == ["a"]
    bench.clock.advance(0.1)
    assert await bench.cache.get("a") == "new"


async def test_absence_that_is_not_to_be_remembered_takes_no_room() -> None:
    bench = bench_of(CacheOptions(size=1, negative_ttl=0.0))
    await bench.cache.get("a")
    assert await bench.cache.get("nobody") is None
    assert len(bench.cache) == 1
    assert bench.cache.peek("a") == "old"


async def test_what_is_distrusted_is_loaded_again_even_if_no_time_has_passed(bench: Bench) -> None:
    await bench.cache.get("a")
    bench.cache.distrust()
    bench.source.values["a"] = "new"
    assert bench.cache.peek("a") is None
    assert await bench.cache.get("a") == "new"


async def test_the_entry_loaded_longest_ago_makes_room() -> None:
    bench = bench_of(CacheOptions(size=2))
    for key in ("a", "b", "c"):
        await bench.cache.get(key)
    assert [bench.cache.peek(key) for key in ("a", "b", "c")] == [None, "old", "old"]
    assert len(bench.cache) == 2
    for key in ("a", "b", "c"):
        bench.cache.invalidate(f"tag:{key}")
    assert (len(bench.cache), bench.cache._tagged) == (0, {})

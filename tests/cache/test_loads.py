"""Who asks, who loads, and what is seen of a change: each load is shared, and none hides a change."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest
from tests.cache.source import OPTIONS, Bench, turn
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.cache import Cache, Loaded
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Hashable


async def test_a_value_is_loaded_once_and_then_needs_no_waiting(bench: Bench) -> None:
    assert bench.cache.peek("a") is None
    assert [await bench.cache.get("a") for _ in range(3)] == ["old"] * 3
    assert bench.cache.peek("a") == "old"
    assert bench.source.loads == ["a"]


async def test_many_who_ask_at_once_share_one_load(bench: Bench) -> None:
    bench.source.open = False
    asking = [await bench.asking("a") for _ in range(50)]
    await bench.let_go()
    assert await asyncio.gather(*asking) == ["old"] * 50
    assert bench.source.loads == ["a"]


async def test_one_who_goes_away_does_not_take_the_load_from_the_others(bench: Bench) -> None:
    bench.source.open = False
    first, second, third = [await bench.asking("a") for _ in range(3)]
    first.cancel()
    await turn()
    assert first.cancelled()
    await bench.let_go()
    assert [await second, await third] == ["old", "old"]
    assert bench.source.loads == ["a"]


async def test_when_all_go_away_the_load_still_ends_and_is_kept(bench: Bench) -> None:
    bench.source.open = False
    asking = await bench.asking("a")
    asking.cancel()
    await bench.let_go()
    assert bench.cache.peek("a") == "old"


async def test_a_change_that_is_announced_is_seen_by_the_next_who_asks(bench: Bench) -> None:
    await bench.cache.get("a")
    bench.change("a", "new")
    assert bench.cache.peek("a") is None
    assert await bench.cache.get("a") == "new"


@pytest.mark.parametrize("tell", ["invalidate", "clear", "distrust"])
async def test_an_old_value_read_before_a_change_is_not_served_after_it(
    bench: Bench, tell: str
) -> None:
    bench.source.open = False
    before = await bench.asking("a")
    bench.source.release()  # It has read the old value, and has not answered yet.
    await turn()
    bench.source.values["a"] = "new"
    {
        "invalidate": lambda: bench.cache.invalidate("tag:a"),
        "clear": bench.cache.clear,
        "distrust": bench.cache.distrust,
    }[tell]()
    after = await bench.asking("a")
    await bench.let_go()
    assert await before == "old"
    assert await after == "new"
    assert bench.cache.peek("a") == "new"


async def test_a_change_announced_in_the_turn_a_load_ends_is_seen(bench: Bench) -> None:
    bench.source.open = False
    before = await bench.asking("a")
    bench.source.release()
    await turn()
    bench.source.release()  # Ends the load, as soon as anything runs.

    async def change_and_get() -> Any:
        bench.source.open = True
        bench.change("a", "new")
        return await bench.cache.get("a")

    assert await asyncio.create_task(change_and_get()) == "new"
    assert await before == "old"


async def test_changes_of_other_things_do_not_make_a_load_start_again(bench: Bench) -> None:
    bench.source.open = False
    asking = await bench.asking("a")
    for _ in range(2):
        for number in range(1000):
            bench.cache.invalidate(f"tag:{number}")
        bench.source.release()
        await turn()
    assert await asking == "old"
    assert bench.source.loads == ["a"]
    assert bench.cache.peek("a") == "old"


@pytest.mark.parametrize("tell", ["invalidate", "clear", "distrust"])
async def test_nobody_waits_for_more_than_two_loads_however_much_changes(tell: str) -> None:
    loads = 0

    async def load(_: Hashable) -> Loaded[int]:
        nonlocal loads
        loads += 1
        await asyncio.sleep(0)
        storm()
        return Loaded(loads, ("tag:a",))

    cache: Cache[int] = Cache(load, FakeClock(), OPTIONS)

    def storm() -> None:
        {
            "invalidate": lambda: cache.invalidate("tag:a"),
            "clear": cache.clear,
            "distrust": cache.distrust,
        }[tell]()

    first = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cache.invalidate("tag:a")
    assert await asyncio.wait_for(cache.get("a"), PATIENCE_SECONDS) == 2
    assert await first == 1
    assert loads == 2


@pytest.mark.filterwarnings("error")
async def test_a_load_in_the_background_that_fails_complains_to_nobody(bench: Bench) -> None:
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    await bench.cache.get("a")
    bench.clock.advance(OPTIONS.ttl)
    bench.source.away = True
    assert bench.cache.peek("a") == "old"
    bench.cache.invalidate("tag:a")  # So that not even the old value is left to answer with.
    await turn()
    gc.collect()
    await turn()
    assert bench.source.failures == 1
    assert complaints == []
    assert bench.cache._loading == {}


async def test_a_load_that_is_broken_is_told_to_who_waits_and_tried_again() -> None:
    faults = [ValueError("broken")]

    async def load(_: Hashable) -> Loaded[str]:
        if faults:
            raise faults.pop()
        return Loaded("fine")

    cache: Cache[str] = Cache(load, FakeClock(), OPTIONS)
    with pytest.raises(ValueError, match="broken"):
        await cache.get("a")
    assert await cache.get("a") == "fine"

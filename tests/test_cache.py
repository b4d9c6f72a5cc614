"""The hot cache against a plain model, and its promises one by one."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dream_gateway.cache import Cache, CacheOptions, Loaded
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

OPTIONS = CacheOptions(size=100, ttl=10.0, negative_ttl=3.0, max_stale=20.0)
USELESS_AFTER = OPTIONS.ttl + OPTIONS.max_stale
LEAVES = ("a", "b", "c")
PAIR = "a+b"
"""A key whose value is made of the cached values of `a` and `b`."""

KEYS = (*LEAVES, PAIR)


class Source:
    """Values that change, and a store that goes away. Held loads wait before they read, and after."""

    def __init__(self) -> None:
        self.values: dict[Hashable, str | None] = {}
        self.away = False
        self.open = True
        self.loads: list[Hashable] = []
        self.failures = 0
        self.at_once: dict[Hashable, int] = {}
        self.most_at_once = 0
        self.cache: Cache[Any] | None = None
        self._gates: deque[asyncio.Future[None]] = deque()

    async def load(self, key: Hashable) -> Loaded[Any]:
        self.loads.append(key)
        self.at_once[key] = self.at_once.get(key, 0) + 1
        self.most_at_once = max(self.most_at_once, self.at_once[key])
        try:
            return await (self._pair() if key == PAIR else self._leaf(key))
        finally:
            self.at_once[key] -= 1

    async def _leaf(self, key: Hashable) -> Loaded[Any]:
        await self._pause()
        value = self.values.get(key)
        await self._pause()
        if self.away:
            self.failures += 1
            raise StoreUnavailableError
        return Loaded(value, (f"tag:{key}",))

    async def _pair(self) -> Loaded[Any]:
        assert self.cache is not None
        first = await self.cache.read("a")
        await self._pause()
        second = await self.cache.read("b")
        await self._pause()
        for part in (first, second):
            if part.value is None:
                return Loaded(None, ("tag:pair",), (part,))
        return Loaded((first.value, second.value), ("tag:pair",), (first, second))

    def release(self) -> bool:
        """Let the load that waits longest go one step on."""
        while self._gates:
            gate = self._gates.popleft()
            if not gate.done():
                gate.set_result(None)
                return True
        return False

    @property
    def holding(self) -> bool:
        return any(not gate.done() for gate in self._gates)

    async def _pause(self) -> None:
        if not self.open:
            gate = asyncio.get_running_loop().create_future()
            self._gates.append(gate)
            await gate


async def turn() -> None:
    """Run what can run."""
    for _ in range(20):
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Version:
    """What one key was, from one change until the next."""

    value: str | None
    until: float


@dataclass(frozen=True)
class Question:
    """What was asked, when, and the oldest version of each leaf that may be the answer."""

    key: str
    at: float
    told: dict[str, int]
    trusted: dict[str, int]
    failures: int


class CacheMachine(RuleBasedStateMachine):
    """No answer is older than what was announced, or than the options say, when it was asked for."""

    size = OPTIONS.size

    def __init__(self) -> None:
        super().__init__()
        gc.freeze()  # What is older than this machine is not what it looks for at its end.
        self.loop = asyncio.new_event_loop()
        self.complaints: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.complaints.append(context))
        self.clock = FakeClock()
        self.source = Source()
        options = CacheOptions(self.size, OPTIONS.ttl, OPTIONS.negative_ttl, OPTIONS.max_stale)
        self.cache: Cache[Any] = Cache(self._load, self.clock, options)
        self.source.cache = self.cache
        self.past: dict[str, list[Version]] = {leaf: [] for leaf in LEAVES}
        self.told = dict.fromkeys(LEAVES, 0)
        self.trusted = dict.fromkeys(LEAVES, 0)
        self.tells = dict.fromkeys(LEAVES, 0)
        self.kept: dict[Hashable, float] = {}
        """When what the cache must still have for an outage was read."""
        self.waiting: list[tuple[Question, asyncio.Task[Any]]] = []
        self.number = 0
        for leaf in LEAVES:
            self._write(leaf, present=True)

    def teardown(self) -> None:
        try:
            self._drain()
        finally:
            self.loop.close()
            gc.unfreeze()

    @rule(key=st.sampled_from(KEYS))
    def get(self, key: str) -> None:
        self.waiting.append((self._question(key), self.loop.create_task(self.cache.get(key))))
        self._turn()

    @rule(key=st.sampled_from(KEYS))
    def peek(self, key: str) -> None:
        question = self._question(key)
        found = self._inside(lambda: self.cache.peek(key))
        if found is not None:
            self._check(question, found)

    @rule(leaf=st.sampled_from(LEAVES), present=st.booleans())
    def change_and_tell(self, leaf: str, present: bool) -> None:
        self._write(leaf, present)
        self._tell(leaf)

    @rule(leaf=st.sampled_from(LEAVES), present=st.booleans())
    def change_without_telling(self, leaf: str, present: bool) -> None:
        self._write(leaf, present)

    @rule(leaf=st.sampled_from(LEAVES))
    def tell_and_get_before_anything_else_runs(self, leaf: str) -> None:
        """A load may have ended in the very same turn of the loop."""
        self._write(leaf, present=True)
        self.source.release()

        async def tell_and_get() -> Any:
            self.cache.invalidate(f"tag:{leaf}")
            return await self.cache.get(leaf)

        self._forget(leaf)
        self.waiting.append((self._question(leaf), self.loop.create_task(tell_and_get())))
        self._turn()

    @rule()
    def clear(self) -> None:
        for leaf in LEAVES:
            self._forget(leaf)
        self._inside(self.cache.clear)

    @rule()
    def distrust(self) -> None:
        for leaf in LEAVES:
            self.trusted[leaf] = len(self.past[leaf])
        self._inside(self.cache.distrust)

    @precondition(lambda self: not self.source.holding)
    @rule(seconds=st.sampled_from([1.0, 2.9, 3.0, 9.9, 10.0, 29.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(away=st.booleans())
    def store(self, away: bool) -> None:
        self.source.away = away

    @rule()
    def hold_loads(self) -> None:
        self.source.open = False

    @rule(steps=st.integers(1, 4))
    def let_loads_go_on(self, steps: int) -> None:
        for _ in range(steps):
            self.source.release()
            self._turn()

    @rule()
    def caller_goes_away(self) -> None:
        if self.waiting:
            self.waiting.pop(0)[1].cancel()
        self._turn()

    @invariant()
    def one_load_of_a_key_at_once(self) -> None:
        assert self.source.most_at_once <= 1

    @invariant()
    def never_more_entries_than_the_size(self) -> None:
        assert len(self.cache) <= self.size

    @invariant()
    def the_index_of_tags_is_exact(self) -> None:
        indexed = {(t, key) for t, keys in self.cache._tagged.items() for key in keys}
        assert indexed == {(t, k) for k, e in self.cache._entries.items() for t in e.tags}
        assert all(self.cache._tagged.values())

    def _drain(self) -> None:
        """Whoever still waits is answered, and nothing is left behind."""
        self.source.away, self.source.open = False, True
        while self.source.release():
            self._turn()
        self._turn()
        assert self.waiting == []
        for leaf in LEAVES:
            self._tell(leaf)
            self.get(leaf)
        assert self.waiting == []
        for leaf in LEAVES:
            self._tell(leaf)
        self._inside(lambda: self.cache.invalidate("tag:pair"))
        assert (len(self.cache), self.cache._tagged) == (0, {})
        assert (self.cache._loading, self.cache._watches) == ({}, set())
        gc.collect()
        assert self.complaints == []

    def _write(self, leaf: str, present: bool) -> None:
        self.number += 1
        value = f"{leaf}{self.number}" if present else None
        if leaf in self.source.values:
            self.past[leaf].append(Version(self.source.values[leaf], self.clock.monotonic()))
        self.source.values[leaf] = value

    async def _load(self, key: Hashable) -> Loaded[Any]:
        began, tells = self.clock.monotonic(), self.tells.get(str(key))
        loaded = await self.source.load(key)
        if tells == self.tells.get(str(key)):
            self.kept.pop(key, None)
            if loaded.value is not None:
                self.kept[key] = began
        return loaded

    def _tell(self, leaf: str) -> None:
        self._forget(leaf)
        self._inside(lambda: self.cache.invalidate(f"tag:{leaf}"))

    def _forget(self, leaf: str) -> None:
        self.told[leaf] = self.trusted[leaf] = len(self.past[leaf])
        self.tells[leaf] += 1
        self.kept.pop(leaf, None)

    def _question(self, key: str) -> Question:
        told, trusted = dict(self.told), dict(self.trusted)
        return Question(key, self.clock.monotonic(), told, trusted, self.source.failures)

    def _turn(self) -> None:
        self.loop.run_until_complete(turn())
        for asked in [each for each in self.waiting if each[1].done()]:
            self.waiting.remove(asked)
            self._hear(*asked)

    def _hear(self, question: Question, task: asyncio.Task[Any]) -> None:
        fault = task.exception()
        if fault is not None:
            assert isinstance(fault, StoreUnavailableError)
            assert self.source.failures > question.failures
            assert not self._must_have(question.key)
            return
        self._check(question, task.result())

    def _check(self, question: Question, value: Any) -> None:
        leaves = ("a", "b") if question.key == PAIR else (question.key,)
        if value is None:
            assert any(self._was(question, leaf, None, OPTIONS.negative_ttl) for leaf in leaves)
            return
        for leaf, part in zip(leaves, value if question.key == PAIR else (value,), strict=True):
            assert self._was(question, leaf, part, USELESS_AFTER), (question, value)

    def _was(self, question: Question, leaf: str, value: str | None, seconds: float) -> bool:
        """Return whether that was true late enough to be an answer."""
        # While the store is away, what was only doubted is served: that may be from before the doubt.
        doubt = value is not None and self.source.failures > question.failures
        floor = (question.told if doubt else question.trusted)[leaf]
        present = Version(self.source.values[leaf], float("inf"))
        versions = [*self.past[leaf], present][floor:]
        return any(v.value == value and v.until > question.at - seconds for v in versions)

    def _must_have(self, key: str) -> bool:
        read = self.kept.get(key) if key in LEAVES and self.size >= len(KEYS) else None
        return read is not None and self.clock.monotonic() < read + USELESS_AFTER

    def _inside(self, call: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return call()

        answer = self.loop.run_until_complete(run())
        self._turn()
        return answer


class SmallCacheMachine(CacheMachine):
    """The same, where there is not room for all."""

    size = 2


TestCache = CacheMachine.TestCase
TestCache.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestSmallCache = SmallCacheMachine.TestCase
TestSmallCache.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


@dataclass
class Bench:
    """A cache over a source that has a value under every leaf."""

    source: Source
    clock: FakeClock
    cache: Cache[Any]

    def change(self, key: str, value: str | None) -> None:
        """Change a value and announce it."""
        self.source.values[key] = value
        self.cache.invalidate(f"tag:{key}")

    async def asking(self, key: str) -> asyncio.Task[Any]:
        """Ask, and let that get as far as it can."""
        task = asyncio.create_task(self.cache.get(key))
        await turn()
        return task

    async def let_go(self) -> None:
        """Let everything that is held end, and hold nothing any more."""
        self.source.open = True
        while self.source.release():
            await turn()
        await turn()


def bench_of(options: CacheOptions) -> Bench:
    source, clock = Source(), FakeClock()
    source.values = dict.fromkeys(LEAVES, "old")
    cache: Cache[Any] = Cache(source.load, clock, options)
    source.cache = cache
    return Bench(source, clock, cache)


@pytest.fixture
def bench() -> Bench:
    return bench_of(OPTIONS)


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
    assert await asyncio.wait_for(cache.get("a"), 5) == 2
    assert await first == 1
    assert loads == 2


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


async def test_the_entry_loaded_longest_ago_makes_room() -> None:
    bench = bench_of(CacheOptions(size=2))
    for key in ("a", "b", "c"):
        await bench.cache.get(key)
    assert [bench.cache.peek(key) for key in ("a", "b", "c")] == [None, "old", "old"]
    assert len(bench.cache) == 2
    for key in ("a", "b", "c"):
        bench.cache.invalidate(f"tag:{key}")
    assert (len(bench.cache), bench.cache._tagged) == (0, {})


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

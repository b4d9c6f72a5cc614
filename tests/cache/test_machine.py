"""The hot cache against a plain model."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.cache.source import KEYS, LEAVES, OPTIONS, PAIR, USELESS_AFTER, Source, turn

from dream_gateway.cache import Cache, CacheOptions, Loaded
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


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
TestCache.settings = settings(max_examples=150, stateful_step_count=50)
TestSmallCache = SmallCacheMachine.TestCase
TestSmallCache.settings = settings(max_examples=60, stateful_step_count=50)

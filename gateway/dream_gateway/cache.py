"""The hot cache: what the records say, in memory, loaded once and dropped when it changes.

Read-through with single flight; absence is remembered for a short life; past its time to live an entry
is still served while it is loaded again in the background (stale-while-revalidate, RFC 5861), and
while the store is away up to a stated age. What the change feed names is dropped at once, and never
served stale. Bounded: the entry loaded longest ago goes first.

Every answer was true at some moment after it was asked for, or, from memory, not longer ago than the
options say. So an answer that was being read while a change of it was announced goes to those who had
asked before that, is not kept, and whoever asks later has it read again: nobody waits for more than two
loads, however much changes meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from dream_gateway.errors import GatewayError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from dream_gateway.clock import Clock

V = TypeVar("V")

EVERYTHING = ""
"""Stands for every tag at once."""

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """Times are seconds; `size` is entries."""

    size: int = 100_000
    ttl: float = 60.0
    negative_ttl: float = 5.0
    max_stale: float = 600.0


@dataclass(frozen=True, slots=True)
class Known(Generic[V]):
    """A value in memory; `None` for absence. `loaded` and `fresh_until` are monotonic seconds.

    `loaded` is when the oldest thing it is made of was read, and `seen` how many changes had been
    announced by then.
    """

    value: V | None
    tags: tuple[str, ...]
    loaded: float
    seen: int
    fresh_until: float


@dataclass(frozen=True, slots=True)
class Loaded(Generic[V]):
    """What a load found: `None` for absence, and the tags whose change makes it wrong.

    `parts` are what it was made of that came from the cache: it is as old as they are, and goes with
    them.
    """

    value: V | None
    tags: tuple[str, ...] = ()
    parts: tuple[Known[V], ...] = ()


class LoadOutcome(StrEnum):
    """How a load went; `STALE`: it failed, and what was known is still served."""

    FOUND = "found"
    ABSENT = "absent"
    STALE = "stale"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class _Watch:
    """A load under way: when it began, and the number of the first change of each tag since."""

    began: float
    seen: int
    changed: dict[str, int] = field(default_factory=dict)
    distrusted: float = NEVER


class Cache(Generic[V]):
    """Used from one event loop. `load` raises `StoreUnavailableError` when the store is away.

    Any other `GatewayError` of it goes to those who wait, and is not kept.
    """

    def __init__(
        self,
        load: Callable[[Hashable], Awaitable[Loaded[V]]],
        clock: Clock,
        options: CacheOptions,
    ) -> None:
        self._load = load
        self._monotonic = clock.monotonic
        self._options = options
        self._entries: dict[Hashable, Known[V]] = {}
        self._tagged: defaultdict[str, set[Hashable]] = defaultdict(set)
        self._loading: dict[Hashable, asyncio.Task[tuple[Known[V], float]]] = {}
        self._watches: set[_Watch] = set()
        # Counted, not timed: a clock may read the same before a change and after it.
        self.changes = 0
        """How many changes were announced. While it stays, what is fresh is what `peek` returns."""
        self._trusted_from = 0
        self.loads = dict.fromkeys(LoadOutcome, 0)
        """How many loads went how. What needs none is a hit, which nobody counts."""

    def __len__(self) -> int:
        return len(self._entries)

    def peek(self, key: Hashable) -> V | None:
        """Return a present value that needs no waiting, or `None`. Never blocks."""
        entry = self._entries.get(key)
        if entry is None or entry.seen < self._trusted_from:
            return None
        if self._monotonic() >= entry.fresh_until:
            return self._stale(key, entry)
        return entry.value

    def known(self, key: Hashable) -> Known[V] | None:
        """Return what `peek` returns, with how long that is fresh. Never blocks."""
        entry = self._entries.get(key)
        return None if self.peek(key) is None else entry

    async def get(self, key: Hashable) -> V | None:
        """Return the value, loading it if it is not known; `None` if there is none.

        Raises `StoreUnavailableError` if the store is away and what is known is too old.
        """
        value = self.peek(key)
        return value if value is not None else (await self.read(key)).value

    async def read(self, key: Hashable) -> Known[V]:
        """Return what is known once it is fresh, for a load that makes something of it.

        Stale only while the store is away; raises `StoreUnavailableError` if it is too old for that.
        """
        entry = self._entries.get(key)
        if entry is not None and self._fresh(entry):
            return entry
        asked = self.changes
        while True:
            # Shielded: one caller that goes away must not take the load from the others.
            known, true_until = await asyncio.shield(self._begin(key))
            if asked < true_until:
                return known
            # It was under way when asked, and may be from before a change. The next one is not.

    def invalidate(self, tag: str) -> None:
        """Drop all that depends on `tag`; what is being loaded right now is not kept if it does."""
        self.changes += 1
        for watch in self._watches:
            watch.changed.setdefault(tag, self.changes)
        for key in self._tagged.pop(tag, ()):
            self._drop(key)

    def clear(self) -> None:
        """Drop everything."""
        self.invalidate(EVERYTHING)
        self._entries.clear()
        self._tagged.clear()

    def distrust(self) -> None:
        """Have everything known so far loaded again before use; kept for when the store is away."""
        self.changes += 1
        self._trusted_from = self.changes
        for watch in self._watches:
            watch.distrusted = min(watch.distrusted, self.changes)

    def _stale(self, key: Hashable, entry: Known[V]) -> V | None:
        if entry.value is None or not self._servable(entry):
            return None
        self._begin(key)
        return entry.value

    def _fresh(self, entry: Known[V]) -> bool:
        return entry.seen >= self._trusted_from and self._monotonic() < entry.fresh_until

    def _servable(self, entry: Known[V]) -> bool:
        return self._monotonic() < self._useless_from(entry.loaded)

    def _useless_from(self, loaded: float) -> float:
        return loaded + self._options.ttl + self._options.max_stale

    def _begin(self, key: Hashable) -> asyncio.Task[tuple[Known[V], float]]:
        task = self._loading.get(key)
        # A task that is done stays until its callback has run; what it found may be dropped by then.
        if task is None or task.done():
            task = asyncio.get_running_loop().create_task(self._fetch(key))
            self._loading[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        return task

    def _finish(self, key: Hashable, task: asyncio.Task[tuple[Known[V], float]]) -> None:
        if self._loading.get(key) is task:
            del self._loading[key]
        if not task.cancelled():
            task.exception()  # Whoever waits gets it; a background load has nobody.

    async def _fetch(self, key: Hashable) -> tuple[Known[V], float]:
        """Return what is known now, and the number of the first change that it may lack."""
        watch = _Watch(self._monotonic(), self.changes)
        self._watches.add(watch)
        try:
            loaded = await self._load(key)
        except StoreUnavailableError:
            survivor = self._entries.get(key)
            if survivor is None or survivor.value is None or not self._servable(survivor):
                self.loads[LoadOutcome.FAILED] += 1
                raise
            self.loads[LoadOutcome.STALE] += 1
            return survivor, NEVER
        except GatewayError:
            # No failure of the store's, but a refusal: what was known does not hold any more.
            self.loads[LoadOutcome.ABSENT] += 1
            self._drop(key)
            raise
        finally:
            self._watches.discard(watch)
        self.loads[LoadOutcome.ABSENT if loaded.value is None else LoadOutcome.FOUND] += 1
        known = self._known(loaded, watch)
        tags = (EVERYTHING, *known.tags)
        dropped = min((watch.changed[tag] for tag in tags if tag in watch.changed), default=NEVER)
        if dropped == NEVER:
            self._store(key, known)
        return known, min(dropped, watch.distrusted)

    def _known(self, loaded: Loaded[V], watch: _Watch) -> Known[V]:
        """Return a value with the tags and the age of all that it is made of."""
        tags = dict.fromkeys(loaded.tags)
        oldest, seen = watch.began, watch.seen
        for part in loaded.parts:
            tags.update(dict.fromkeys(part.tags))
            oldest, seen = min(oldest, part.loaded), min(seen, part.seen)
        if loaded.value is None:
            fresh_until = oldest + self._options.negative_ttl
        else:
            # From its own load: else all that share a part would be loaded again at once.
            fresh_until = min(watch.began + self._options.ttl, self._useless_from(oldest))
        return Known(loaded.value, tuple(tags), oldest, seen, fresh_until)

    def _store(self, key: Hashable, known: Known[V]) -> None:
        self._drop(key)
        if known.value is None and self._monotonic() >= known.fresh_until:
            return
        while len(self._entries) >= self._options.size:
            self._drop(next(iter(self._entries)))
        self._entries[key] = known
        for tag in known.tags:
            self._tagged[tag].add(key)

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        for tag in entry.tags:
            keys = self._tagged.get(tag)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del self._tagged[tag]

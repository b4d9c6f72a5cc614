"""The hot cache: what the records say, in memory, loaded once and dropped when it changes.

Read-through with single flight; absence is remembered for a short life; past its time to live an entry
is still served while it is loaded again in the background (stale-while-revalidate, RFC 5861), and
while the store is away up to a stated age. What the change feed names is dropped at once, and never
served stale. Bounded: the entry loaded longest ago goes first.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from dream_gateway.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from dream_gateway.clock import Clock

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """Times are seconds; `size` is entries."""

    size: int = 100_000
    ttl: float = 60.0
    negative_ttl: float = 5.0
    max_stale: float = 600.0


@dataclass(frozen=True, slots=True)
class Loaded(Generic[V]):
    """What a load found: `None` for absence, and the tags whose change makes it wrong."""

    value: V | None
    tags: tuple[str, ...] = ()


@dataclass(slots=True)
class _Entry(Generic[V]):
    value: V | None
    tags: tuple[str, ...]
    loaded: float
    fresh_until: float


class Cache(Generic[V]):
    """Used from one event loop. `load` raises `StoreUnavailableError` when the store is away."""

    def __init__(
        self,
        load: Callable[[Hashable], Awaitable[Loaded[V]]],
        clock: Clock,
        options: CacheOptions,
    ) -> None:
        self._load = load
        self._monotonic = clock.monotonic
        self._options = options
        self._entries: dict[Hashable, _Entry[V]] = {}
        self._tagged: defaultdict[str, set[Hashable]] = defaultdict(set)
        self._loading: dict[Hashable, asyncio.Task[V | None]] = {}
        self._trusted_since = float("-inf")
        self._changes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def peek(self, key: Hashable) -> V | None:
        """Return a present value that needs no waiting, or `None`. Never blocks."""
        entry = self._entries.get(key)
        if entry is None or entry.loaded < self._trusted_since:
            return None
        if self._monotonic() >= entry.fresh_until:
            return self._stale(key, entry)
        return entry.value

    async def get(self, key: Hashable) -> V | None:
        """Return the value, loading it if it is not known; `None` if there is none.

        Raises `StoreUnavailableError` if the store is away and what is known is too old.
        """
        entry = self._entries.get(key)
        if entry is not None and entry.loaded >= self._trusted_since:
            if self._monotonic() < entry.fresh_until:
                return entry.value
            if entry.value is not None and self._servable(entry):
                self._begin(key)
                return entry.value
        # Shielded: one caller that goes away must not take the load from the others.
        return await asyncio.shield(self._begin(key))

    def invalidate(self, tag: str) -> None:
        """Drop all that depends on `tag`, and what is being loaded right now."""
        self._changes += 1
        for key in self._tagged.pop(tag, ()):
            self._drop(key)

    def clear(self) -> None:
        """Drop everything."""
        self._changes += 1
        self._entries.clear()
        self._tagged.clear()

    def distrust(self) -> None:
        """Have everything known so far loaded again before use; kept for when the store is away."""
        self._trusted_since = self._monotonic()

    def _stale(self, key: Hashable, entry: _Entry[V]) -> V | None:
        if entry.value is None or not self._servable(entry):
            return None
        self._begin(key)
        return entry.value

    def _servable(self, entry: _Entry[V]) -> bool:
        return self._monotonic() < entry.loaded + self._options.ttl + self._options.max_stale

    def _begin(self, key: Hashable) -> asyncio.Task[V | None]:
        task = self._loading.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._fetch(key))
            self._loading[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        return task

    def _finish(self, key: Hashable, task: asyncio.Task[V | None]) -> None:
        self._loading.pop(key, None)
        if not task.cancelled():
            task.exception()  # Whoever waits gets it; a background load has nobody.

    async def _fetch(self, key: Hashable) -> V | None:
        while True:
            changes, began = self._changes, self._monotonic()
            try:
                loaded = await self._load(key)
            except StoreUnavailableError:
                survivor = self._survivor(key)
                if survivor is None:
                    raise
                return survivor
            if changes == self._changes:
                self._store(key, loaded, began)
                return loaded.value
            # Something changed while it was being read: it may be the old state.

    def _survivor(self, key: Hashable) -> V | None:
        """Return what is known though it is stale; `None` if that is nothing, or too old."""
        entry = self._entries.get(key)
        return entry.value if entry is not None and self._servable(entry) else None

    def _store(self, key: Hashable, loaded: Loaded[V], began: float) -> None:
        self._drop(key)
        ttl = self._options.negative_ttl if loaded.value is None else self._options.ttl
        if ttl <= 0:
            return
        while len(self._entries) >= self._options.size:
            self._drop(next(iter(self._entries)))
        self._entries[key] = _Entry(loaded.value, loaded.tags, began, began + ttl)
        for tag in loaded.tags:
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

"""What is cached: values that change, a store that goes away, and loads that can be held."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dream_gateway.cache import Cache, CacheOptions, Loaded
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Hashable

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

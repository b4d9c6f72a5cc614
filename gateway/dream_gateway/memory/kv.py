"""The shared cache, as a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.clock import Clock


class MemoryKeyValue:
    """Entries expire by the monotonic clock, and go when they are next asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[bytes, float]] = {}

    async def get(self, key: str) -> bytes | None:
        """Return the value, or `None` if there is none any more."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, until = entry
        if until <= self._clock.monotonic():
            del self._entries[key]
            return None
        return value

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        """Store a value for `ttl` seconds, over any other."""
        self._entries[key] = (value, self._clock.monotonic() + ttl)

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove keys; one that is not there is no error."""
        for key in keys:
            self._entries.pop(key, None)

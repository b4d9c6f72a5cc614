"""The cache that nodes share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class KeyValue(Protocol):
    """A cache shared by nodes: entries may vanish at any time, and expire by themselves."""

    async def get(self, key: str) -> bytes | None:
        """Return the value, or `None` if there is none any more."""
        ...

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        """Store a value for `ttl` seconds, over any other."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove keys; one that is not there is no error."""
        ...

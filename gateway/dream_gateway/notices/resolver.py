"""Finds the addresses of webhooks' hosts, in threads of its own: a slow name holds up nothing else."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import TYPE_CHECKING

from dream_gateway.notices.addresses import literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from dream_gateway.notices.addresses import Address, Place

    Lookup = Callable[..., Sequence[tuple[Any, Any, Any, Any, tuple[Any, ...]]]]

THREADS = 8
"""How many names are looked up at once: who hosts them says how long one of them takes."""

RESOLVE_SECONDS = 5.0


class Resolver:
    """Asks the system's resolver. Safe to share between tasks; `lookup` is `socket.getaddrinfo`."""

    def __init__(
        self,
        threads: int = THREADS,
        seconds: float = RESOLVE_SECONDS,
        lookup: Lookup = socket.getaddrinfo,
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._seconds = seconds
        self._lookup = lookup

    async def resolve(self, place: Place) -> list[Address]:
        """Return the addresses of a host, each once.

        Raises `OSError` if it has none, `TimeoutError` if they are not told in time, the time that
        others take included.
        """
        written = literal(place.host)
        if written is not None:
            return [written]
        loop = asyncio.get_running_loop()
        asked = (place.host, place.port, 0, socket.SOCK_STREAM)
        async with asyncio.timeout(self._seconds):
            found = await loop.run_in_executor(self._pool, self._lookup, *asked)
        texts = [str(entry[4][0]).partition("%")[0] for entry in found]
        return [ip_address(text) for text in dict.fromkeys(texts)]

    def close(self) -> None:
        """Begin no more lookups. Does not wait for those that are under way."""
        self._pool.shutdown(wait=False, cancel_futures=True)

"""The origins behind the routes: a pool for each, and the choice among several."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from dream_gateway.edge.origin import parse_origin
from dream_gateway.edge.pool import MAX_CONNECTIONS, Pool
from dream_gateway.errors import ConfigurationError
from dream_gateway.metrics import merged

if TYPE_CHECKING:
    from collections.abc import Collection

    from dream_gateway.metrics import Readings

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods that may be sent again when it is not known whether they arrived (RFC 9110 9.2.2)."""


class Origins:
    """Pools by upstream URL, made on first use. `ssl_context` verifies unless told otherwise."""

    def __init__(
        self, *, ssl_context: ssl.SSLContext | None = None, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        self._ssl = ssl_context
        self._max_connections = max_connections
        self._pools: dict[str, Pool] = {}
        self._turn = 0

    def choose(self, upstreams: tuple[str, ...], tried: Collection[Pool] = ()) -> Pool:
        """Return the least busy healthy origin; the one longest ejected if none is healthy."""
        if len(upstreams) == 1:
            return self._pools.get(upstreams[0]) or self._add(upstreams[0])
        if not upstreams:
            raise ConfigurationError("The route has no upstream.")
        pools = [self._pools.get(url) or self._add(url) for url in upstreams]
        candidates = [pool for pool in pools if pool not in tried] or pools
        now = asyncio.get_running_loop().time()
        healthy = [pool for pool in candidates if pool.ejected_until <= now]
        if not healthy:
            return min(candidates, key=lambda pool: pool.ejected_until)
        self._turn += 1
        start = self._turn % len(healthy)
        return min(healthy[start:] + healthy[:start], key=lambda pool: pool.pending)

    def sample(self) -> None:
        """Have some of the next answers timed: one of each connection."""
        for pool in self._pools.values():
            pool.sample()

    def report(self) -> list[dict[str, object]]:
        """Return how each origin does that was ever asked."""
        now = asyncio.get_running_loop().time()
        return [pool.report(now) for pool in self._pools.values()]

    def measure(self) -> Readings:
        """Return the numbers of each origin that was ever asked, by its URL."""
        now = asyncio.get_running_loop().time()
        return merged(pool.measure(now) for pool in self._pools.values())

    async def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.close()

    def _add(self, url: str) -> Pool:
        origin = parse_origin(url)
        if origin.tls and self._ssl is None:
            self._ssl = ssl.create_default_context()
        pool = self._pools[url] = Pool(origin, self._ssl, self._max_connections)
        return pool

"""The upstream client: pools of HTTP/1.1 connections, the least busy origin, careful retries."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from dream_gateway.edge import wire
from dream_gateway.edge.connection import Connection, StaleConnectionError
from dream_gateway.edge.origin import parse_origin
from dream_gateway.edge.pool import MAX_CONNECTIONS, Pool
from dream_gateway.errors import (
    ConfigurationError,
    GatewayError,
    UpstreamError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.edge.upstream import UpstreamRequest
    from dream_gateway.http.asgi import Headers

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods that may be sent again when it is not known whether they arrived (RFC 9110 9.2.2)."""


class HttpResponse:
    """An answer on one of our connections."""

    __slots__ = ("_connection", "_pool", "_pump", "_timeout", "headers", "status")

    def __init__(
        self,
        pool: Pool,
        connection: Connection,
        pump: asyncio.Task[None] | None,
        timeout: float,
    ) -> None:
        self._pool = pool
        self._connection: Connection | None = connection
        self._pump = pump
        self._timeout = timeout
        self.status = connection.status
        self.headers: Headers = connection.headers

    @property
    def complete(self) -> bool:
        """Whether all of the body is in."""
        return self._connection is None or self._connection.complete

    async def read(self) -> bytes:
        """Return the next piece of the body, `b""` at its end."""
        if self._connection is None:
            return b""
        return await self._connection.read(self._timeout)

    def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _let_go(self._pool, connection, self._pump)


class HttpUpstream:
    """Our own `Upstream`. `ssl_context` verifies certificates unless told otherwise."""

    def __init__(
        self, *, ssl_context: ssl.SSLContext | None = None, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        self._ssl = ssl_context
        self._max_connections = max_connections
        self._pools: dict[str, Pool] = {}
        self._turn = 0

    async def open(self, request: UpstreamRequest) -> HttpResponse:
        """Send a request and return once the head of the answer is in.

        Nothing is sent twice, but for an idempotent request whose reused connection was dead
        before a byte came back and whose body is still at hand. A connection that cannot be made
        sent nothing, so another origin may always be tried.
        """
        attempts = request.route.retries + 1
        tried: list[Pool] = []
        while True:
            attempts -= 1
            pool = self._choose(request.route.upstreams, tried)
            try:
                return await self._attempt(pool, request, fresh=bool(tried))
            except StaleConnectionError as exc:
                if attempts <= 0 or request.more or request.method not in IDEMPOTENT:
                    raise UpstreamError(exc.detail) from exc
            except _NotConnectedError as exc:
                if attempts <= 0 or len(tried) + 1 >= len(request.route.upstreams):
                    raise exc.reason from exc.reason.__cause__
            tried.append(pool)

    async def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.close()

    def _choose(self, upstreams: tuple[str, ...], tried: list[Pool]) -> Pool:
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

    def _add(self, url: str) -> Pool:
        origin = parse_origin(url)
        if origin.tls and self._ssl is None:
            self._ssl = ssl.create_default_context()
        pool = self._pools[url] = Pool(origin, self._ssl, self._max_connections)
        return pool

    async def _attempt(self, pool: Pool, request: UpstreamRequest, *, fresh: bool) -> HttpResponse:
        data = _first_bytes(pool, request)
        pool.pending += 1
        connection = None
        pump = None
        try:
            connection = None if fresh else pool.take_idle()
            if connection is None:
                connection = await _connect(pool, request.route.connect_timeout)
            connection.begin(request.method, data)
            if request.more is not None:
                pump = asyncio.create_task(_pump(connection, request, request.more))
            await connection.wait_head(request.route.read_timeout)
        except BaseException:
            pool.pending -= 1
            if connection is not None:
                connection.fail(UpstreamError())
                _stop(pump)
                pool.give_back(connection)
            raise
        return HttpResponse(pool, connection, pump, request.route.read_timeout)


class _NotConnectedError(Exception):
    """No connection was made, so nothing was sent."""

    def __init__(self, reason: GatewayError) -> None:
        super().__init__()
        self.reason = reason


async def _connect(pool: Pool, seconds: float) -> Connection:
    try:
        return await pool.connect(seconds)
    except (UpstreamUnreachableError, UpstreamTimeoutError) as exc:
        raise _NotConnectedError(exc) from exc


def _first_bytes(pool: Pool, request: UpstreamRequest) -> bytes:
    """Return the head, and the body as far as it is at hand."""
    framing = b""
    body = request.body
    if request.length is not None:
        framing = wire.content_length(request.length)
    elif body or request.more is not None:
        framing = wire.chunked()
        body = wire.chunk(body) + (b"" if request.more is not None else wire.LAST_CHUNK)
    origin = pool.origin
    head = wire.request_head(
        request.method.encode("latin-1", "replace"),
        origin.base + request.target,
        request.host or origin.authority,
        request.headers,
        framing,
    )
    return head + body if body else head


async def _pump(
    connection: Connection, request: UpstreamRequest, more: AsyncIterator[bytes]
) -> None:
    """Send the rest of the body as it comes; an error goes to whoever reads the answer."""
    encode = wire.chunk if request.length is None else bytes
    try:
        await connection.drain(request.route.write_timeout)
        async for data in more:
            connection.write(encode(data))
            await connection.drain(request.route.write_timeout)
            if connection.closing:
                return
        if request.length is None:
            connection.write(wire.LAST_CHUNK)
    except GatewayError as exc:
        connection.fail(exc)


def _let_go(pool: Pool, connection: Connection, pump: asyncio.Task[None] | None) -> None:
    pool.pending -= 1
    if pump is not None and not pump.done():
        # The answer came before all of the question was sent: what is left cannot be taken back.
        connection.keep_alive = False
        _stop(pump)
    pool.give_back(connection)


def _stop(pump: asyncio.Task[None] | None) -> None:
    if pump is not None:
        pump.cancel()

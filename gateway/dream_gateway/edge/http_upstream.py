"""The upstream client for tasks: one request on a pooled connection, with careful retries."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.edge import wire
from dream_gateway.edge.awaited import AwaitedAnswer
from dream_gateway.edge.link import StaleConnectionError
from dream_gateway.edge.origins import IDEMPOTENT, Origins
from dream_gateway.edge.pool import MAX_CONNECTIONS
from dream_gateway.errors import (
    GatewayError,
    UpstreamError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from dream_gateway.edge.link import Link
    from dream_gateway.edge.pool import Pool
    from dream_gateway.edge.upstream import UpstreamRequest
    from dream_gateway.http.asgi import Headers


class HttpResponse:
    """An answer on one of our connections."""

    __slots__ = ("_answer", "_link", "_pool", "_pump", "headers", "origin", "status")

    def __init__(
        self, pool: Pool, link: Link, answer: AwaitedAnswer, pump: asyncio.Task[None] | None
    ) -> None:
        self._pool = pool
        self._link: Link | None = link
        self._answer = answer
        self._pump = pump
        self.origin = pool.origin.url
        self.status = answer.status
        self.headers: Headers = answer.headers

    @property
    def complete(self) -> bool:
        """Whether all of the body is in."""
        return self._link is None or self._answer.complete

    async def read(self) -> bytes:
        """Return the next piece of the body, `b""` at its end."""
        return b"" if self._link is None else await self._answer.read()

    def close(self) -> None:
        """Give the connection back."""
        link, self._link = self._link, None
        if link is not None:
            _let_go(self._pool, link, self._pump)


class HttpUpstream:
    """Our own `Upstream`."""

    def __init__(
        self, *, ssl_context: ssl.SSLContext | None = None, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        self.origins = Origins(ssl_context=ssl_context, max_connections=max_connections)

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
            pool = self.origins.choose(request.route.upstreams, tried)
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
        await self.origins.close()

    async def _attempt(self, pool: Pool, request: UpstreamRequest, *, fresh: bool) -> HttpResponse:
        data = _first_bytes(pool, request)
        time = asyncio.get_running_loop().time
        began = time()
        pool.pending += 1
        link = None
        pump = None
        try:
            link = None if fresh else pool.take_idle()
            if link is None:
                link = await _connect(pool, request.route.connect_timeout)
            answer = AwaitedAnswer(link)
            link.begin(request.method, data, answer, request.route)
            if request.more is not None:
                pump = asyncio.create_task(_pump(link, answer, request, request.more))
            await answer.wait_head()
        except BaseException as exc:
            pool.pending -= 1
            if link is not None and isinstance(exc, UpstreamError):
                pool.health.failures += 1
            if link is not None:
                _stop(pump)
                link.abort()
            raise
        pool.health.answered(answer.status, time() - began)
        return HttpResponse(pool, link, answer, pump)


class _NotConnectedError(Exception):
    """No connection was made, so nothing was sent."""

    def __init__(self, reason: GatewayError) -> None:
        super().__init__()
        self.reason = reason


async def _connect(pool: Pool, seconds: float) -> Link:
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
        framing = wire.CHUNKED
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
    link: Link, answer: AwaitedAnswer, request: UpstreamRequest, more: AsyncIterator[bytes]
) -> None:
    """Send the rest of the body as it comes; an error goes to whoever reads the answer."""
    encode = wire.chunk if request.length is None else bytes
    try:
        await answer.drain()
        async for data in more:
            link.write(encode(data))
            await answer.drain()
            if link.closing:
                return
        if request.length is None:
            link.write(wire.LAST_CHUNK)
    except GatewayError as exc:
        link.keep_alive = False
        answer.failed(exc)


def _let_go(pool: Pool, link: Link, pump: asyncio.Task[None] | None) -> None:
    pool.pending -= 1
    if pump is not None and not pump.done():
        # The answer came before all of the question was sent: what is left cannot be taken back.
        link.keep_alive = False
        _stop(pump)
    pool.give_back(link)


def _stop(pump: asyncio.Task[None] | None) -> None:
    if pump is not None:
        pump.cancel()

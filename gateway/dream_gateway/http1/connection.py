"""One client connection: requests parsed strictly, served in their order, each by an exchange.

The parser is llhttp, as strict as it comes (a body with two lengths or two framings, bare line feeds,
folded lines, and odd chunk sizes are errors); `Request` adds what it leaves open. Requests that come
before an earlier one is answered wait, and the client is not read from while more than one does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, cast

import httptools

from dream_gateway.errors import (
    BadRequestError,
    GatewayError,
    HeadTooLargeError,
    RequestTimeoutError,
)
from dream_gateway.http1.request import Request, is_plain
from dream_gateway.http1.watch import NO_LIMIT

if TYPE_CHECKING:
    from dream_gateway.http1.exchange import Exchange
    from dream_gateway.http1.watch import Watch

_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")}

MAX_HEAD = 64 * 1024
"""Bytes that a request's line and fields may have together."""


class ServerState(Protocol):
    """What uvicorn shares between the connections of one server."""

    connections: set[Any]
    total_requests: int


class HttpConnection(asyncio.Protocol):
    """A client connection. Subclasses say who serves a request, and how a failure is told."""

    __slots__ = (
        "_access",
        "_at_rest",
        "_broken",
        "_closing",
        "_corked",
        "_draining",
        "_head_bytes",
        "_headers",
        "_in_head",
        "_incoming",
        "_limit",
        "_out",
        "_parser",
        "_patience",
        "_queue",
        "_reading",
        "_running",
        "_since",
        "_slow",
        "_stalled",
        "_state",
        "_target",
        "_transport",
        "_tunnel",
        "_watch",
        "client",
        "held",
        "scheme",
    )

    def __init__(self, watch: Watch, state: ServerState) -> None:
        self._watch = watch
        self._access = watch.access
        # Whether every request needs an exchange: for a note of it, or to end the connection.
        self._slow = watch.access is not None
        self._patience = watch.patience
        self._state = state
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Exchange] = deque()
        self._incoming: Exchange | None = None
        self._running = self._corked = self._broken = self._draining = self._closing = False
        self._at_rest = True
        self._in_head = False
        self._tunnel: Exchange | None = None
        self._out: list[bytes] = []
        self._head_bytes = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._target = b""
        self._reading = True
        self.held = False
        self._limit, self._since = NO_LIMIT, 0.0
        self._stalled = NO_LIMIT
        self.client: str | None = None
        self.scheme = "http"

    # For subclasses

    def accept(self, request: Request) -> Exchange:
        """Return the exchange that serves a request. Raises nothing."""
        raise NotImplementedError

    def express(self, method: bytes, target: bytes, fields: dict[bytes, bytes]) -> bytes | None:
        """Return the whole answer to a plain request, if it is known without waiting.

        Plain is: HTTP/1.1, a good host, no field twice, no body, and the connection goes on. `None`
        has the request served by an exchange.
        """
        del method, target, fields
        return None

    def refuse(self, error: GatewayError) -> Exchange:
        """Return the exchange that answers what could not be read; the connection ends with it."""
        raise NotImplementedError

    # For exchanges

    @property
    def date(self) -> bytes:
        """The `Date` field's line."""
        return self._watch.date

    def write(self, data: bytes) -> None:
        """Write to the client; what is written while its bytes are read goes out in one piece."""
        if self._corked:
            self._out.append(data)
        elif self._transport is not None:
            self._transport.write(data)

    def keeps(self, exchange: Exchange) -> bool:
        """Tell whether the connection goes on after this exchange, as far as is known now."""
        return (
            exchange.request.keep_alive
            and exchange.whole
            and not (self._draining or self._broken or self._closing)
        )

    def finish(self, exchange: Exchange, status: int, *, keep: bool) -> None:
        """End the exchange whose turn it is: all of its answer, with this status, was written."""
        if self._access is not None:
            self._access.note(exchange.request, status)
        self._queue.popleft()
        self._running = self.held = False
        self._state.total_requests += 1
        if not keep:
            self._close()
        elif not self._corked:
            self._advance()

    def hold(self) -> None:
        """Read nothing more of the body for now."""
        self.held = True
        self._adjust_reading()

    def release(self) -> None:
        """Read on."""
        self.held = False
        self._adjust_reading()

    def become_tunnel(self, exchange: Exchange) -> None:
        """Hand every byte from now on to the exchange, unread."""
        self._tunnel = exchange
        self._limit = NO_LIMIT

    def abort(self) -> None:
        """Break the connection off: the client must see that its answer is cut short."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close once everything is written."""
        self._close()

    # For uvicorn

    def shutdown(self) -> None:
        """Finish what is under way, and close."""
        self._draining = self._slow = True
        if self._tunnel is not None or (not self._queue and self._incoming is None):
            self._close()

    # Transport callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport: asyncio.Transport | None = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.client = str(peer[0])
        if transport.get_extra_info("sslcontext") is not None:
            self.scheme = "https"
        self._state.connections.add(self)
        self._watch.add(self)
        self._expect(self._patience.head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        del exc
        self._state.connections.discard(self)
        self._watch.discard(self)
        self._transport = None
        self._closing = True
        tunnel, self._tunnel = self._tunnel, None
        queue = list(self._queue)
        self._queue.clear()
        for exchange in queue:
            exchange.lost()
        if tunnel is not None and tunnel not in queue:
            tunnel.lost()

    def eof_received(self) -> bool:
        """Take the end of what the client sends for its leaving, as servers commonly do."""
        return False

    def data_received(self, data: bytes) -> None:
        """Parse, serve, and write what came of it in one piece."""
        if self._tunnel is not None:
            self._tunnel.tunnelled(data)
            return
        if self._broken or self._closing:
            return
        if self._at_rest:
            self._at_rest, self._in_head = False, True
            self._head_bytes = 0
            self._limit, self._since = self._patience.head, self._watch.now
        self._corked = True
        try:
            self._parse(data)
            if self._queue:
                self._advance()
            elif self._at_rest:
                self._limit = self._patience.idle
        finally:
            self._corked = False
            self._flush()

    def pause_writing(self) -> None:
        """Stop the exchange that writes."""
        self._stalled = self._watch.now
        self._adjust_reading()
        if self._queue:
            self._queue[0].pause()

    def resume_writing(self) -> None:
        """Let it go on."""
        self._stalled = NO_LIMIT
        self._adjust_reading()
        if self._queue:
            self._queue[0].resume()

    # Parser callbacks

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Make a request of the head and answer it, or find who serves it."""
        target, headers = self._target, self._headers
        self._target, self._headers = b"", []
        self._in_head = False
        if self._broken:
            return
        parser = self._parser
        method, version = parser.get_method(), parser.get_http_version()
        if not self._slow and version == "1.1" and not self._queue:
            fields = dict(headers)
            if len(fields) == len(headers) and is_plain(fields):
                answer = self.express(method, target, fields)
                if answer is not None:
                    self._state.total_requests += 1
                    self._out.append(answer)
                    return
        try:
            request = Request(
                _METHODS.get(method) or method.decode("ascii"),
                target,
                headers,
                version,
                client=self.client,
                scheme=self.scheme,
            )
            if b"upgrade" in request.fields and parser.should_upgrade():
                _note_upgrade(request)
        except GatewayError as exc:
            self._break(exc)
            return
        request.keep_alive = parser.should_keep_alive()
        exchange = self.accept(request)
        self._incoming = exchange
        self._queue.append(exchange)
        self._expect(NO_LIMIT if request.length == 0 else self._patience.body)

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body on."""
        if self._incoming is not None:
            self._since = self._watch.now
            self._incoming.body(body)

    def on_message_complete(self) -> None:
        """Hand the end of the body on."""
        exchange, self._incoming = self._incoming, None
        self._at_rest = True
        if exchange is not None:
            self._limit = NO_LIMIT
            exchange.body_end()

    # Inside

    def look(self, now: float) -> None:
        """Act if the client is too late."""
        if now - self._stalled > self._patience.write or (
            self._closing and now - self._since > self._limit
        ):
            self.abort()
        elif now - self._since > self._limit and not self.held:
            self._be_late()

    def _be_late(self) -> None:
        if self._in_head and not self._queue:
            self._break(RequestTimeoutError())
            self._advance()
        elif self._incoming is not None or self._in_head:
            self.abort()
        else:
            self._close()

    def _expect(self, seconds: float) -> None:
        self._limit = seconds
        self._since = self._watch.now

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            self._upgrade(data[exc.args[0] :])
        except httptools.HttpParserError as exc:
            error = BadRequestError("The request is not proper HTTP/1.1.")
            error.__cause__ = exc
            self._break(error)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD:
                self._break(HeadTooLargeError())

    def _upgrade(self, rest: bytes) -> None:
        """Leave what follows an upgrade unread; one that nobody offers is as if it was not asked."""
        last = self._queue[-1] if self._queue else None
        if self._broken or last is None:
            return
        if last.request.upgrade:
            if rest:
                last.tunnelled(rest)
            self._tunnel = last
            return
        if rest:
            self._parse(rest)

    def _break(self, error: GatewayError) -> None:
        """Read no more: what came cannot be understood. Requests before it are still answered."""
        if self._broken:
            return
        self._broken = True
        self._in_head = False
        if self._closing:
            return  # It had its answer before it had said all.
        self._limit = NO_LIMIT
        if self._incoming is not None and not self._give_up(self._incoming):
            return
        self._queue.append(self.refuse(error))
        if not self._corked:
            self._advance()

    def _give_up(self, exchange: Exchange) -> bool:
        """End the exchange whose body went wrong: nobody must take that for whole.

        Return whether its client can still be told why.
        """
        self._queue.remove(exchange)
        if self._running and not self._queue:
            self._running = False
        self._incoming = None
        exchange.lost()
        if exchange.begun:
            self.abort()
        return not exchange.begun

    def _advance(self) -> None:
        """Start what is next, and go on as long as answers are there at once."""
        while self._queue and not self._running and not self._closing:
            self._running = True
            if self._stalled != NO_LIMIT:
                self._queue[0].pause()
            self._queue[0].start()
            if self._running:
                break
        if not self._queue and not self._closing:
            if self._draining and self._incoming is None:
                self._close()
                return
            if self._limit == NO_LIMIT:
                self._expect(self._patience.idle)
        self._adjust_reading()

    def _adjust_reading(self) -> None:
        wanted = not self.held and len(self._queue) < 2 and self._stalled == NO_LIMIT
        if wanted is self._reading or self._transport is None or self._transport.is_closing():
            return
        self._reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _flush(self) -> None:
        out = self._out
        if out:
            self._out = []
            if self._transport is not None:
                self._transport.write(out[0] if len(out) == 1 else b"".join(out))
        if self._closing:
            self._end()

    def _close(self) -> None:
        self._closing = True
        if not self._corked:
            self._end()

    def _end(self) -> None:
        """Close, but not on a client that still sends: it would never see the answer."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        sends = self._incoming is not None or self._broken
        if sends and self._tunnel is None and transport.can_write_eof():
            if self._limit != self._patience.linger:
                transport.write_eof()
                self._expect(self._patience.linger)
                self.held = False
                self._queue.clear()
                self._adjust_reading()
        else:
            transport.close()


def _note_upgrade(request: Request) -> None:
    """Take note of an upgrade to WebSocket, the only one that is passed on (RFC 6455 4.1)."""
    if request.length != 0:
        raise BadRequestError("A request for an upgrade has no body.")
    if request.method == "GET" and request.fields.get(b"upgrade", b"").lower() == b"websocket":
        request.upgrade = b"websocket"

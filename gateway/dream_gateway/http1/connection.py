"""One client connection: requests read strictly, served in their order, each by an exchange.

Requests that come before an earlier one is answered wait, and the client is not read from while more
than one does. A plain request that comes whole, and alone, may be answered without an exchange.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, cast

from dream_gateway.errors import RequestTimeoutError
from dream_gateway.http1.reader import Reader
from dream_gateway.http1.recognition import Recognition
from dream_gateway.http1.watch import NO_LIMIT

if TYPE_CHECKING:
    from dream_gateway.errors import GatewayError
    from dream_gateway.http1.exchange import Exchange
    from dream_gateway.http1.noting import UnderWay
    from dream_gateway.http1.plain import Block, Line
    from dream_gateway.http1.request import Request
    from dream_gateway.http1.shortcut import Errand, Shortcut
    from dream_gateway.http1.watch import Watch


class ServerState(Protocol):
    """What uvicorn shares between the connections of one server."""

    connections: set[Any]


class HttpConnection(asyncio.Protocol):
    """A client connection. Subclasses say who serves a request, and how a failure is told."""

    __slots__ = (
        "_broken",
        "_closing",
        "_corked",
        "_draining",
        "_early",
        "_idle",
        "_incoming",
        "_leaving",
        "_limit",
        "_out",
        "_patience",
        "_queue",
        "_reader",
        "_reading",
        "_ready",
        "_recognition",
        "_running",
        "_since",
        "_slow",
        "_stalled",
        "_state",
        "_transport",
        "_tunnel",
        "away",
        "client",
        "held",
        "scheme",
        "under_way",
        "watch",
    )

    def __init__(self, watch: Watch, state: ServerState) -> None:
        self.watch = watch
        # Whether every request needs an exchange: for a note of it, or to end the connection.
        self._leaving = self._slow = watch.leaving
        self.under_way: UnderWay | None = None
        """What is noted of the requests under way, if anything is."""
        self._patience = watch.patience
        self._idle = watch.patience.idle
        self._state = state
        self._reader = Reader(self)
        self._recognition = Recognition(self.shortcut)
        self._early = b""
        # Whether all that came before is answered, but for an errand that may be under way, so that a
        # plain request may take a shortcut.
        self._ready = False
        self.away: Errand | None = None
        """The errand under way, noted by the shortcut that sends it: its answer is waited for."""
        self._queue: deque[Exchange] = deque()
        self._incoming: Exchange | None = None
        self._running = self._corked = self._broken = self._draining = self._closing = False
        self._tunnel: Exchange | None = None
        self._out: list[bytes] = []
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

    def shortcut(self, line: Line, block: Block) -> Shortcut | None:
        """Return what serves such requests without an exchange, `None` if nothing does."""
        del line, block
        return None

    def refuse(self, error: GatewayError) -> Exchange:
        """Return the exchange that answers what could not be read; the connection ends with it."""
        raise NotImplementedError

    def on_cut(self, error: GatewayError) -> None:
        """Take note of why the answer under way is cut short."""

    # For exchanges

    @property
    def date(self) -> bytes:
        """The `Date` field's line."""
        return self.watch.date

    @property
    def is_draining(self) -> bool:
        """Whether it ends because the server does."""
        return self._draining

    def write(self, data: bytes) -> None:
        """Write to the client; what is written while its bytes are read goes out in one piece."""
        if self._corked:
            self._out.append(data)
        elif self._transport is not None:
            self._transport.write(data)

    def delivered(self, answer: bytes) -> None:
        """Write the whole answer that an errand came back with."""
        self.away = None
        self._limit, self._since = self._idle, self.watch.now
        if self._transport is not None:
            self._transport.write(answer)
        if self._draining:
            self._close()
        elif self._early:
            self._go_on(b"")

    def withdraw(self) -> None:
        """Have an exchange serve the request that an errand was sent for, from its beginning."""
        self.away = None
        self._go_on(self._recognition.whole())

    def _go_on(self, data: bytes) -> None:
        early, self._early = self._early, b""
        self._adjust_reading()
        self._take(data + early)

    def recall(self) -> bool:
        """Have an exchange carry on with the errand that is under way; tell whether one does."""
        if self.away is None:
            return True
        exchange = self.away.recalled()
        if exchange is None:
            return False
        self.carry_on(exchange)
        return True

    def carry_on(self, exchange: Exchange) -> None:
        """Have this exchange carry on in the place of the errand that is under way."""
        self.away = None
        self._queue.append(exchange)
        self._running = True
        self._ready = False
        self._limit = NO_LIMIT

    def keeps(self, exchange: Exchange) -> bool:
        """Tell whether the connection goes on after this exchange, as far as is known now."""
        return not self._leaving and self.can_keep(exchange)

    def can_keep(self, exchange: Exchange) -> bool:
        """Tell the same at the end of an answer that did not say it was the last one."""
        return (
            exchange.request.keep_alive
            and exchange.whole
            and not (self._draining or self._broken or self._closing)
        )

    def finish(self, exchange: Exchange, status: int, *, keep: bool) -> None:
        """End the exchange whose turn it is: all of its answer, with this status, was written."""
        del status
        self._queue.popleft()
        self._running = self.held = False
        if not keep:
            self._close()
        elif not self._corked:
            self._advance()
            self._settle()

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
        self._ready = False
        self._limit = NO_LIMIT

    def cut_short(self, error: GatewayError) -> None:
        """Break the connection off in an answer, which this error keeps from being whole."""
        self.on_cut(error)
        self.abort()

    def abort(self) -> None:
        """Break the connection off: the client must see that its answer is cut short."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close once everything is written."""
        self._close()

    @property
    def hears(self) -> bool:
        """Whether the client is still sending: it has to be heard out, or it may see no answer."""
        return self._incoming is not None or self._broken

    # For the watch

    def look(self, now: float) -> None:
        """Act if the client is too late."""
        if now - self._stalled > self._patience.write or (
            self._closing and now - self._since > self._limit
        ):
            self.abort()
        elif now - self._since > self._limit and not self.held and self.away is None:
            self._be_late()

    def divert(self) -> None:
        """Take no shortcut for the next request."""
        self._ready = False

    def retire(self) -> None:
        """End with the next answer, which says so; what is idle stays open for it."""
        self._leaving = self._slow = True
        self._ready = False

    # For uvicorn

    def shutdown(self) -> None:
        """Finish what is under way, and close."""
        self._draining = self._slow = True
        self._ready = False
        if not self.recall():
            return
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
        self.watch.add(self)
        self._expect(self._patience.head)
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        del exc
        self._state.connections.discard(self)
        self.watch.discard(self)
        self._transport = None
        self._closing = True
        self._ready = False
        away, self.away = self.away, None
        if away is not None:
            away.lost()
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
        """Read, serve, and write what came of it in one piece."""
        if self._ready and self.away is None:
            last = self._recognition
            shortcut = last.way if data == last.data else last.find(data)
            if shortcut is not None:
                answer = shortcut.go(last.body)
                if answer:
                    self._limit, self._since = self._idle, self.watch.now
                    if self._transport is not None:
                        self._transport.write(answer)
                    return
                if answer is not None:
                    return
        self._take(data)

    def _take(self, data: bytes) -> None:
        if self._tunnel is not None:
            self._tunnel.tunnelled(data)
            return
        if self._broken or self._closing:
            return
        if not self.recall():
            self._early += data
            self._adjust_reading()
            return
        if self._reader.at_rest:
            self._limit, self._since = self._patience.head, self.watch.now
        self._corked = True
        try:
            self._read(data)
            if self._queue:
                self._advance()
            elif self._reader.at_rest:
                self._limit = self._patience.idle
        finally:
            self._corked = False
            self._flush()
            self._settle()

    def pause_writing(self) -> None:
        """Stop the exchange that writes."""
        self._stalled = self.watch.now
        self._ready = False
        self._adjust_reading()
        if self._queue:
            self._queue[0].pause()

    def resume_writing(self) -> None:
        """Let it go on."""
        self._stalled = NO_LIMIT
        self._adjust_reading()
        if self._queue:
            self._queue[0].resume()
        self._settle()

    # For the reader

    def on_request(self, request: Request) -> None:
        """Find who serves a request."""
        if self._broken:
            return
        exchange = self.accept(request)
        self._incoming = exchange
        self._queue.append(exchange)
        self._expect(NO_LIMIT if request.length == 0 else self._patience.body)

    def on_body(self, data: bytes) -> None:
        """Hand a piece of the body on."""
        if self._incoming is not None:
            self._since = self.watch.now
            self._incoming.body(data)

    def on_end(self) -> None:
        """Hand the end of the body on."""
        exchange, self._incoming = self._incoming, None
        if exchange is not None:
            self._limit = NO_LIMIT
            exchange.body_end()

    def on_fault(self, error: GatewayError) -> None:
        """Read no more: what came cannot be understood. Requests before it are still answered."""
        if self._broken:
            return
        self._broken = True
        self._ready = False
        if self._closing:
            return  # It had its answer before it had said all.
        self._limit = NO_LIMIT
        if self._incoming is not None and not self._give_up(self._incoming):
            return
        self._queue.append(self.refuse(error))
        if not self._corked:
            self._advance()

    # Inside

    def _be_late(self) -> None:
        reading = self._incoming is not None or self._reader.in_head
        if reading and not self._broken:
            self.on_fault(RequestTimeoutError())
        elif self._incoming is not None:
            self.abort()
        else:
            self._close()

    def _expect(self, seconds: float) -> None:
        self._limit = seconds
        self._since = self.watch.now

    def _settle(self) -> None:
        """See whether the next request may take a shortcut."""
        self._ready = (
            self._reader.at_rest
            and not (self._queue or self._slow or self._broken or self._closing)
            and self._stalled == NO_LIMIT
            and self._tunnel is None
        )

    def _read(self, data: bytes) -> None:
        """Read on; what follows an upgrade that nobody offers is as if it was not asked."""
        rest = self._reader.feed(data)
        last = self._queue[-1] if self._queue else None
        if rest is None or self._broken or last is None:
            return
        if last.request.upgrade:
            if rest:
                last.tunnelled(rest)
            self._tunnel = last
        elif rest:
            self._read(rest)

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
        wanted = not (self.held or self._early) and len(self._queue) < 2
        wanted = wanted and self._stalled == NO_LIMIT
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
        if self.hears and self._tunnel is None and transport.can_write_eof():
            if self._limit != self._patience.linger:
                transport.write_eof()
                self._expect(self._patience.linger)
                self.held = False
                self._queue.clear()
                self._adjust_reading()
        else:
            transport.close()

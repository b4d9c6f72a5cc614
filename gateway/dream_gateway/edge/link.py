"""One HTTP/1.1 connection to an upstream: an asyncio protocol that tells a receiver what comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from dream_gateway.errors import UpstreamError, UpstreamTimeoutError
from dream_gateway.http1.heads import SWITCHING_PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.edge.answer import PlainAnswer
    from dream_gateway.edge.receiver import Courier, Receiver
    from dream_gateway.edge.routes import Route
    from dream_gateway.errors import GatewayError
    from dream_gateway.http.asgi import Headers

MAX_HEAD = 64 * 1024
"""Bytes of names and values that an answer's head may have."""

MAX_INTERIM = 16
"""Interim answers (1xx) that may come before the final one."""

UNKNOWN = b"\0"
"""What no head begins with."""

NEVER = float("inf")


class StaleConnectionError(UpstreamError):
    """A connection used before died before a byte of the answer: it was dead already."""


class Link(asyncio.Protocol):
    """One exchange after another, never two at once. A silent upstream is a failure."""

    __slots__ = (
        "_courier",
        "_deadline",
        "_dirty",
        "_extra",
        "_head_size",
        "_interim",
        "_is_head",
        "_loop",
        "_on_lost",
        "_parser",
        "_paused",
        "_receiver",
        "_rings_at",
        "_route",
        "_seconds",
        "_time",
        "_timer",
        "_tunnel",
        "_until_close",
        "_write_seconds",
        "_write_timer",
        "answered",
        "complete",
        "full",
        "head_done",
        "headers",
        "keep_alive",
        "known_answer",
        "known_head",
        "length_known",
        "reused",
        "status",
        "transport",
        "used",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, on_lost: Callable[[Link], None]) -> None:
        self._loop = loop
        self._time = loop.time
        self._on_lost = on_lost
        self.transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._timer: asyncio.TimerHandle | None = None
        self._receiver: Receiver | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._deadline = self._seconds = self._write_seconds = 0.0
        self._rings_at = NEVER
        self._route: Route | None = None
        self._courier: Courier | None = None
        self.known_head = UNKNOWN
        """The head of the last plain answer, and what it says: the next one is often the same."""
        self.known_answer: PlainAnswer | None = None
        self._paused = self._extra = self._tunnel = False
        self.reused = self.full = False
        self.used = True
        """Whether it had an exchange since its pool last looked."""
        self._reset(is_head=False)

    def _reset(self, *, is_head: bool) -> None:
        self._is_head = self._dirty = is_head
        self._head_size = self._interim = self.status = 0
        self._until_close = True
        self.length_known = False
        self.headers: Headers = []
        self.answered = self.head_done = self.complete = self.keep_alive = False

    # One exchange

    def begin(self, method: str, data: bytes, receiver: Receiver, route: Route) -> None:
        """Start an exchange by writing the head of its request, and what there is of the body.

        The upstream may be silent for the route's `read_timeout` after the last byte either way.
        """
        self._reset(is_head=method == "HEAD")
        self._receiver = receiver
        if route is not self._route:
            self._go_by(route)
        self._arm()
        self.write(data)

    def dispatch(self, data: bytes, courier: Courier, route: Route) -> None:
        """Start an exchange by writing a whole request; the answer is the courier's if it is plain."""
        if self._dirty:
            self._reset(is_head=False)
        if route is not self._route:
            self._go_by(route)
        self._courier = courier
        time = self._time
        deadline = self._deadline = time() + self._seconds
        if deadline < self._rings_at:
            self._ring_at(deadline)
        if self.transport is not None:
            self.transport.write(data)

    def hand_over(self, receiver: Receiver) -> None:
        """Have a receiver carry on where a courier leaves off."""
        self._courier = None
        self._receiver = receiver

    def write(self, data: bytes) -> None:
        """Write more of the request. Nothing happens on a lost connection."""
        if self.transport is not None and not self.transport.is_closing():
            self._deadline = self._time() + self._seconds
            self.transport.write(data)

    def hold(self) -> None:
        """Read no more: the receiver cannot take it. The upstream's silence is then no failure."""
        if not self._paused and not self.closing:
            self._paused = True
            cast("asyncio.Transport", self.transport).pause_reading()

    def release(self) -> None:
        """Read on."""
        if self._paused:
            self._paused = False
            if not self.closing:
                cast("asyncio.Transport", self.transport).resume_reading()
            if self._receiver is not None:
                self._arm()

    def rest(self) -> bool:
        """End the exchange and tell whether the connection can have another."""
        self._receiver = None
        fit = self.complete and self.keep_alive and not self._extra and not self._tunnel
        if not fit or self.closing or self.full:
            self.abort()
            return False
        self.release()
        self.reused = self.used = True
        return True

    @property
    def closing(self) -> bool:
        """Whether it is of no more use."""
        return self.transport is None or self.transport.is_closing()

    def abort(self) -> None:
        """Close it at once, losing what is unsent. The receiver hears no more."""
        self._receiver = self._courier = None
        self._stop_timers()
        if self.transport is not None:
            self.transport.abort()

    # Waiting

    def _go_by(self, route: Route) -> None:
        """Be as patient as a route says."""
        self._route = route
        self._seconds = route.read_timeout
        self._write_seconds = route.write_timeout

    def _arm(self) -> None:
        """Move the deadline; the timer is left where it is if it rings no later than that."""
        deadline = self._deadline = self._time() + self._seconds
        if deadline < self._rings_at:
            self._ring_at(deadline)

    def _ring_at(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = deadline
        self._timer = self._loop.call_at(deadline, self._ring)

    def _ring(self) -> None:
        self._timer, self._rings_at = None, NEVER
        idle = self._receiver is None and self._courier is None
        if idle or self._paused or self._tunnel:
            return
        if self._time() < self._deadline:
            self._ring_at(self._deadline)
        else:
            self.fail(UpstreamTimeoutError())

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._write_timer = None
        self._rings_at = NEVER

    def fail(self, error: GatewayError) -> None:
        """Tell that there will be no more."""
        self.keep_alive = False
        if self._courier is not None:
            self._courier.broken(error)
            return
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.failed(error)

    # Transport callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse, and tell the receiver."""
        courier = self._courier
        if courier is not None:
            # Let go of first: what it gives back may be in use again when it has done.
            self._courier = None
            self.reused = self.used = True
            if courier.take(data):
                return
        self._dirty = True
        if self._receiver is None:
            self.abort()  # nobody asked: an answer to nothing must never meet the next request
            return
        if self._tunnel:
            self._receiver.data(data)
            self._receiver.flush()
            return
        self.answered = True
        self._deadline = self._time() + self._seconds
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            self._switch(data[exc.args[0] :])
            return
        except httptools.HttpParserError as exc:
            self._stumble(exc)
        receiver = self._receiver
        if receiver is None:
            return
        if self.complete:
            receiver.end()
        else:
            receiver.flush()

    def eof_received(self) -> bool:
        """Let the transport close."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End a body that only the end ends; anything else was cut off."""
        self._stop_timers()
        self.transport = None
        if (self._receiver is not None and not self.complete) or self._courier is not None:
            self._cut_off(exc)
        self._on_lost(self)

    def _cut_off(self, exc: Exception | None) -> None:
        receiver = self._receiver
        if self.head_done and self._until_close and exc is None and receiver is not None:
            self.complete = True
            receiver.end()
            return
        kind = UpstreamError
        if self.reused and not self.answered:
            kind = StaleConnectionError
        error = kind("The API behind the gateway broke off the connection.")
        error.__cause__ = exc
        self.fail(error)

    def pause_writing(self) -> None:
        """Hold the request's body back."""
        self.full = True
        self._write_timer = self._loop.call_later(self._write_seconds, self._stop_waiting)
        if self._receiver is not None:
            self._receiver.request_full()
        elif self._courier is not None:
            self._courier.request_full()

    def resume_writing(self) -> None:
        """Let the request's body on."""
        self.full = False
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        if self._receiver is not None:
            self._receiver.request_drained()

    def _stumble(self, cause: httptools.HttpParserError) -> None:
        """Fail, unless the answer is complete: garbage after it only spends the connection."""
        self._extra = True
        if not self.complete:
            error = UpstreamError("The API behind the gateway does not speak proper HTTP/1.1.")
            error.__cause__ = cause
            self.fail(error)

    def _stop_waiting(self) -> None:
        self.fail(UpstreamTimeoutError("The API behind the gateway stopped reading."))

    def _switch(self, rest: bytes) -> None:
        if self.status != SWITCHING_PROTOCOLS or self._receiver is None:
            self.fail(UpstreamError("The API behind the gateway changed protocol unasked."))
            return
        self._tunnel = True
        self._receiver.switched(rest)

    # Parser callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a field of the head; one after the body is dropped."""
        self._head_size += len(name) + len(value)
        if self._head_size > MAX_HEAD:
            raise UpstreamError
        if self.complete:
            self._extra = True
            return
        if self.head_done:
            return
        name = name.lower()
        if name == b"content-length":
            self._until_close = False
            self.length_known = True
        elif name == b"transfer-encoding" and b"chunked" in value.lower():
            self._until_close = False
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Tell an interim answer from the final one."""
        if self.complete:
            self._extra = True
            return
        status = self._parser.get_status_code()
        if status < 200 and status != SWITCHING_PROTOCOLS:
            self._interim += 1
            if self._interim > MAX_INTERIM or status < 100:
                raise UpstreamError
            self.headers = []
            self._until_close, self.length_known = True, False
            return
        if status > 599:
            raise UpstreamError
        self.status = status
        if status == SWITCHING_PROTOCOLS:
            return  # The parser stops here; what follows is not HTTP.
        self.head_done = True
        self.keep_alive = self._parser.should_keep_alive()
        if self._is_head:
            self._finish_head()
        if self._receiver is not None:
            self._receiver.head()

    def _finish_head(self) -> None:
        """End an answer to HEAD, though the parser, which cannot know, expects a body."""
        self.complete = True
        # Without framing the parser would say that only the end of the connection ends it.
        closes = any(
            name == b"connection" and b"close" in value.lower() for name, value in self.headers
        )
        self.keep_alive = self._parser.get_http_version() == "1.1" and not closes
        self._parser = httptools.HttpResponseParser(self)

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body on."""
        if self.complete:
            self._extra = True
        elif self._receiver is not None:
            self._receiver.data(body)

    def on_message_complete(self) -> None:
        """Note the end, unless it is only an interim answer's."""
        if self.head_done:
            self.complete = True

"""One HTTP/1.1 connection to an upstream: an asyncio protocol, a parser, and flow control."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from dream_gateway.errors import GatewayError, UpstreamError, UpstreamTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.http.asgi import Headers

HIGH_WATER = 256 * 1024
"""Bytes of a body kept here before the upstream is told to wait."""

MAX_HEAD = 64 * 1024
"""Bytes of names and values that an answer's head may have."""

MAX_INTERIM = 16
"""Interim answers (1xx) that may come before the final one."""


class StaleConnectionError(UpstreamError):
    """A connection used before died before a byte of the answer: it was dead already."""


class Connection(asyncio.Protocol):
    """One exchange after another. Not for concurrent use, but one task may write as one reads."""

    __slots__ = (
        "_body",
        "_buffered",
        "_deadline",
        "_drained",
        "_error",
        "_extra",
        "_head_size",
        "_interim",
        "_is_head",
        "_loop",
        "_on_lost",
        "_parser",
        "_paused",
        "_timer",
        "_transport",
        "_until_close",
        "_waiter",
        "active",
        "answered",
        "complete",
        "head_done",
        "headers",
        "idle_since",
        "keep_alive",
        "reused",
        "status",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_lost: Callable[[Connection], None]
    ) -> None:
        self._loop = loop
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._paused = False
        self.active = self.reused = False
        self.idle_since = 0.0
        self._reset(is_head=False)

    def _reset(self, *, is_head: bool) -> None:
        self._is_head = is_head
        self._body: list[bytes] = []
        self._buffered = self._head_size = self._interim = 0
        self._error: GatewayError | None = None
        self._until_close = True
        self._extra = False
        self.status = 0
        self.headers: Headers = []
        self.answered = self.head_done = self.complete = self.keep_alive = False

    # One exchange

    def begin(self, method: str, data: bytes) -> None:
        """Start an exchange by writing the head of its request, and what there is of the body."""
        self._reset(is_head=method == "HEAD")
        self.active = True
        self.write(data)

    def write(self, data: bytes) -> None:
        """Write more of the request; see `drain`. Nothing happens on a lost connection."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self, seconds: float) -> None:
        """Wait until the upstream has taken enough of the request, `seconds` at most."""
        if self._drained is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._drained)
        except TimeoutError as exc:
            raise UpstreamTimeoutError("The API behind the gateway stopped reading.") from exc

    async def wait_head(self, seconds: float) -> None:
        """Wait for the final answer's head, `seconds` of silence at most."""
        while not self.head_done:
            if self._error is not None:
                raise self._error
            await self._wait(seconds)
        # A head that came with a broken body is still an answer: the body's reader will see.

    async def read(self, seconds: float) -> bytes:
        """Return the body's bytes that are here; wait if there are none; `b""` at its end."""
        while not self._body:
            if self.complete:
                return b""
            if self._error is not None:
                raise self._error
            await self._wait(seconds)
        body = self._body
        data = body[0] if len(body) == 1 else b"".join(body)
        self._body = []
        self._buffered = 0
        if self._paused:
            self._resume()
        return data

    def fail(self, error: GatewayError) -> None:
        """End the exchange for both sides; its reader gets the error. The first one counts."""
        if not self.complete and self._error is None:
            self._error = error
        self.keep_alive = False
        self._wake()

    def rest(self) -> bool:
        """End the exchange and tell whether the connection can have another."""
        self.active = False
        fit = self.complete and self.keep_alive and not self._extra and self._error is None
        if not fit or self.closing or self._drained is not None:
            self.abort()
            return False
        self._body = []
        if self._paused:
            self._resume()
        self.reused = True
        self.idle_since = self._loop.time()
        return True

    @property
    def closing(self) -> bool:
        """Whether it is of no more use."""
        return self._transport is None or self._transport.is_closing()

    def abort(self) -> None:
        """Close it at once, losing what is unsent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    # Waiting

    async def _wait(self, seconds: float) -> None:
        self._arm(self._loop.time() + seconds)
        waiter = self._waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    def _arm(self, deadline: float) -> None:
        """Move the deadline; the timer is left where it is if it rings no later than that."""
        self._deadline = deadline
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._ring)
            return
        self.fail(UpstreamTimeoutError())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _resume(self) -> None:
        self._paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # Transport callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse, and wake whoever waits."""
        if not self.active:
            self.abort()  # nobody asked: an answer to nothing must never meet the next request
            return
        self.answered = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as exc:
            self._extra = True
            error = UpstreamError("The API behind the gateway does not speak proper HTTP/1.1.")
            error.__cause__ = exc
            self.fail(error)
        except httptools.HttpParserUpgrade:
            self.fail(UpstreamError("The API behind the gateway changed protocol unasked."))
        self._wake()

    def eof_received(self) -> bool:
        """Let the transport close."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End a body that only the end ends; anything else was cut off."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.active and not self.complete:
            self._cut_off(exc)
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._on_lost(self)

    def _cut_off(self, exc: Exception | None) -> None:
        if self.head_done and self._until_close and exc is None and self._error is None:
            self.complete = True
            self._wake()
            return
        kind = UpstreamError
        if self.reused and not self.answered:
            kind = StaleConnectionError
        error = kind("The API behind the gateway broke off the connection.")
        error.__cause__ = exc
        self.fail(error)

    def pause_writing(self) -> None:
        """Hold the request's body back."""
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """Let the request's body on."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # Parser callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a field of the head."""
        self._head_size += len(name) + len(value)
        if self._head_size > MAX_HEAD:
            raise UpstreamError
        if self.complete:
            self._extra = True
            return
        name = name.lower()
        if name == b"content-length" or (
            name == b"transfer-encoding" and b"chunked" in value.lower()
        ):
            self._until_close = False
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Tell an interim answer from the final one."""
        if self.complete:
            self._extra = True
            return
        status = self._parser.get_status_code()
        if status < 200:
            self._interim += 1
            if self._interim > MAX_INTERIM or status < 100:
                raise UpstreamError
            self.headers = []
            self._until_close = True
            return
        if status > 599:
            raise UpstreamError
        self.status = status
        self.head_done = True
        self.keep_alive = self._parser.should_keep_alive()
        if self._is_head:
            self._finish_head()

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
        """Keep a piece of the body, and hold the upstream back if there is much."""
        if self.complete:
            self._extra = True
            return
        self._body.append(body)
        self._buffered += len(body)
        if self._buffered > HIGH_WATER and not self._paused and not self.closing:
            self._paused = True
            cast("asyncio.Transport", self._transport).pause_reading()

    def on_message_complete(self) -> None:
        """Note the end, unless it is only an interim answer's."""
        if self.head_done:
            self.complete = True

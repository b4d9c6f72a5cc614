"""The request's body as it comes from the client, and word of the client's leaving."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.errors import (
    BadRequestError,
    BodyTooLargeError,
    GatewayError,
    RequestTimeoutError,
)
from dream_gateway.http1.exchange import CLIENT_GONE

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers, Receive

GRACE_SECONDS = 0.05
"""How long an answer may take before somebody watches for the client's leaving; most are faster,
and are spared the task."""


class ClientGoneError(GatewayError):
    """The client closed its connection; there is nobody left to answer."""

    code = CLIENT_GONE
    status = 499
    title = "The client closed the connection."


class Departure:
    """Cancels the task that serves a request when its client leaves. `gone` says that it did."""

    __slots__ = ("_loop", "_owner", "_receive", "_task", "_timer", "gone")

    def __init__(self, receive: Receive, owner: asyncio.Task[object]) -> None:
        self._receive = receive
        self._owner = owner
        self._loop = owner.get_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self.gone = False

    def watch(self) -> None:
        """Begin soon: only once all of the body was received, which nobody else may do then."""
        self._timer = self._loop.call_later(GRACE_SECONDS, self._start)

    def stop(self) -> None:
        """Leave the owner alone from now on."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._owner.cancel()


class RequestBody:
    """Pieces of the body, never more than `limit` bytes of them, `seconds` apart. Iterate once."""

    __slots__ = ("_departure", "_left", "_receive", "_seconds", "done")

    def __init__(self, receive: Receive, limit: int, seconds: float, departure: Departure) -> None:
        self._receive = receive
        self._left = limit
        self._seconds = seconds
        self._departure = departure
        self.done = False

    def __aiter__(self) -> RequestBody:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece.

        Raises `BodyTooLargeError`, `RequestTimeoutError` and `ClientGoneError`.
        """
        while not self.done:
            piece = await self.next()
            if piece:
                return piece
        raise StopAsyncIteration

    async def next(self) -> bytes:
        """Return the next piece, which may be empty; `done` tells whether it is the last."""
        try:
            async with asyncio.timeout(self._seconds):
                message = await self._receive()
        except TimeoutError:
            raise RequestTimeoutError from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        piece: bytes = message.get("body", b"")
        self._left -= len(piece)
        if self._left < 0:
            raise BodyTooLargeError
        if not message.get("more_body", False):
            self.done = True
            self._departure.watch()
        return piece


def declared_length(headers: Headers) -> int | None:
    """Return the body's length as declared, `None` if it is chunked or there is none.

    `Transfer-Encoding` overrides `Content-Length` (RFC 9112 6.3). Raises `BadRequestError` for a
    length that is not one.
    """
    length: bytes | None = None
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            if length is not None and value != length:
                raise BadRequestError("The request has two lengths.")
            length = value
    if length is None:
        return None
    if not length.isdigit() or len(length) > 18:
        raise BadRequestError("The request's Content-Length is not a length.")
    return int(length)


def has_body(headers: Headers, http_version: str) -> bool:
    """Tell whether a body follows; HTTP/1 says so in its fields, later versions may not."""
    if not http_version.startswith("1"):
        return True
    return any(name in {b"content-length", b"transfer-encoding"} for name, _ in headers)

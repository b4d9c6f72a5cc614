"""Requests from bytes, by llhttp.

It is as strict as it comes: a body with two lengths or two framings, bare line feeds, folded lines, and
odd chunk sizes are errors. `Request` adds what it leaves open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import httptools

from dream_gateway.errors import BadRequestError, GatewayError, HeadTooLargeError
from dream_gateway.http1.request import Request

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers

MAX_HEAD = 64 * 1024
"""Bytes that a request's line and fields may have together, and whatever else is not its body."""

_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")}


class Reading(Protocol):
    """Who the requests are for; told of each in the order of its bytes."""

    client: str | None
    scheme: str

    def on_request(self, request: Request) -> None:
        """Take a request whose head is in."""
        ...

    def on_body(self, data: bytes) -> None:
        """Take a piece of its body."""
        ...

    def on_end(self) -> None:
        """Take note that it is complete."""
        ...

    def on_fault(self, error: GatewayError) -> None:
        """Take note that what came cannot be understood. What is told after it, is to be ignored."""
        ...


class Reader:
    """Reads one connection's requests. `at_rest`: between two of them; `in_head`: within a head."""

    __slots__ = (
        "_headers",
        "_idle_bytes",
        "_parser",
        "_progress",
        "_reading",
        "_target",
        "at_rest",
        "in_head",
    )

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._parser = httptools.HttpRequestParser(self)
        self._headers: Headers = []
        self._target = b""
        self._progress = False
        """Whether what was fed last has a piece of a body or the end of a request in it."""
        self._idle_bytes = 0
        """How much came since there was progress."""
        self.at_rest = True
        self.in_head = False

    def feed(self, data: bytes) -> bytes | None:
        """Read on; return what follows a request for another protocol, `None` if there was none."""
        rest, self._progress = None, False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            rest = data[exc.args[0] :]
        except httptools.HttpParserError as exc:
            error = BadRequestError("The request is not proper HTTP/1.1.")
            error.__cause__ = exc
            self._reading.on_fault(error)
        if self._progress:
            self._idle_bytes = 0
        else:
            self._idle_bytes += len(data)
            if self._idle_bytes > MAX_HEAD:
                self._reading.on_fault(HeadTooLargeError())
        return rest

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """Take note of a request's first byte."""
        self.at_rest, self.in_head = False, True

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; one after the body is dropped, as RFC 9110 6.5.1 allows."""
        if self.in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Make a request of the head."""
        target, headers = self._target, self._headers
        self._target, self._headers = b"", []
        self.in_head = False
        reading, parser = self._reading, self._parser
        method = parser.get_method()
        try:
            request = Request(
                _METHODS.get(method) or method.decode("ascii"),
                target,
                headers,
                parser.get_http_version(),
                client=reading.client,
                scheme=reading.scheme,
            )
            if b"upgrade" in request.fields and parser.should_upgrade():
                _note_upgrade(request)
        except GatewayError as exc:
            reading.on_fault(exc)
            return
        request.keep_alive = parser.should_keep_alive()
        reading.on_request(request)

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body on."""
        self._progress = True
        self._reading.on_body(body)

    def on_message_complete(self) -> None:
        """Hand the end of the body on."""
        self.at_rest = self._progress = True
        self._reading.on_end()


def _note_upgrade(request: Request) -> None:
    """Take note of an upgrade to WebSocket, the only one that is passed on (RFC 6455 4.1)."""
    if request.length != 0:
        raise BadRequestError("A request for an upgrade has no body.")
    if request.method == "GET" and request.fields.get(b"upgrade", b"").lower() == b"websocket":
        request.upgrade = b"websocket"

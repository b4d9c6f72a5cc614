"""Response heads as bytes (RFC 9112 4 and 5)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"connection: close\r\n"
KEEP_ALIVE = b"connection: keep-alive\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
LAST_CHUNK = b"0\r\n\r\n"

SWITCHING_PROTOCOLS = 101
"""The status of an answer that is a tunnel from there on (RFC 9110 15.2.2)."""


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


_STATUS_LINES = tuple(_status_line(status) for status in range(600))


def status_line(status: int) -> bytes:
    """Return the first line of an answer."""
    return _STATUS_LINES[status]


def response_head(status: int, headers: Headers, connection: bytes = b"") -> bytes:
    """Return a head. `connection` is field lines about this connection, ended by CRLF each.

    The values are a parser's or our own, so they hold no line breaks.
    """
    parts = [_STATUS_LINES[status]]
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
    parts += (connection, b"\r\n")
    return b"".join(parts)


def chunk(data: bytes) -> bytes:
    """Return one chunk; empty data would end the body, so it gives nothing."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""

"""Heads that came whole and leave nothing to doubt, read without the parser's callbacks (RFC 9112).

What is read here is read the same by llhttp, which reads everything else. A line or a block of fields
that comes again on its connection is not read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers

_METHODS = frozenset({b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
# RFC 9110 5.6.2 and 5.5; RFC 3986 2 for targets.
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FIELD = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])
_TARGET = bytes(byte for byte in range(0x21, 0x7F) if byte not in b'"#<>\\^`{|}')
_HOST = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]%!$&'()*+,;="
_DIGITS = b"0123456789"
_PERSISTENT = frozenset({b"keep-alive", b"Keep-Alive"})
_TELLING = frozenset(
    {b"transfer-encoding", b"upgrade", b"expect", b"te", b"trailer", b"http2-settings"}
)
_LONGEST = 8192
"""Bytes of a block that is read here; longer ones are rare, and would be kept."""

_LONGEST_LENGTH = 12
"""Digits of a length: what is longer is for the parser to refuse."""


class Line(NamedTuple):
    """A request line."""

    method: bytes
    target: bytes


class Block(NamedTuple):
    """A request's fields, none of them there twice. `length` is the body's, in bytes."""

    headers: Headers
    fields: dict[bytes, bytes]
    length: int


def read_line(line: bytes) -> Line | None:
    """Read an HTTP/1.1 request line without its end; `None` if it is for the parser to judge."""
    parts = line.split(b" ")
    if len(parts) != 3 or parts[2] != b"HTTP/1.1" or parts[0] not in _METHODS:
        return None
    target = parts[1]
    if target[:1] != b"/" or target.translate(None, _TARGET):
        return None
    return Line(parts[0], target)


def read_block(block: bytes) -> Block | None:
    """Read a request's fields up to and with the empty line; `None` if the parser is to judge."""
    if len(block) > _LONGEST:
        return None
    headers = read_fields(block)
    if headers is None:
        return None
    fields = dict(headers)
    host = fields.get(b"host")
    if host is None or host.translate(None, _HOST) or len(fields) != len(headers):
        return None
    if not _TELLING.isdisjoint(fields) or (
        fields.get(b"connection", b"keep-alive") not in _PERSISTENT
    ):
        return None
    length = read_length(fields.get(b"content-length", b"0"))
    return None if length is None else Block(headers, fields, length)


def read_fields(block: bytes) -> Headers | None:
    """Read field lines up to and with the empty line, names in lower case; `None` if in doubt."""
    lines = block.split(b"\r\n")
    if len(lines) < 3 or lines[-1] or lines[-2]:
        return None
    headers = []
    for line in lines[:-2]:
        name, colon, value = line.partition(b":")
        if not colon or not name:
            return None
        headers.append((name.lower(), value.strip(b" \t")))
    if block.translate(None, _FIELD) != b"\r\n" * (len(lines) - 1):
        return None
    if b"".join([name for name, _ in headers]).translate(None, _TOKEN):
        return None
    return headers


def read_length(digits: bytes) -> int | None:
    """Read a `Content-Length` value; `None` if in doubt."""
    if not digits or len(digits) > _LONGEST_LENGTH or digits.translate(None, _DIGITS):
        return None
    return int(digits)

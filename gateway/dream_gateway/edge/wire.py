"""HTTP/1.1 request heads as bytes (RFC 9112), built from parsed parts and checked as a whole.

What reaches the upstream is what was admitted: nothing in a field can end it and begin another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import BadRequestError
from dream_gateway.http1.heads import CHUNKED, LAST_CHUNK, chunk

if TYPE_CHECKING:
    from dream_gateway.http.asgi import Headers

# RFC 9110 5.6.2
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VISIBLE = bytes(range(0x21, 0x7F))

__all__ = ["CHUNKED", "LAST_CHUNK", "chunk", "content_length", "request_head"]


def request_head(
    method: bytes, target: bytes, host: bytes, headers: Headers, framing: bytes
) -> bytes:
    """Return a request's head. `framing` is its body's field line, or nothing.

    Raises `BadRequestError` if the method, target, a name or a value cannot stand in a head.
    """
    if not method or method.translate(None, _TOKEN):
        raise BadRequestError("The method has characters that a method cannot have.")
    if not target or target.translate(None, _VISIBLE):
        raise BadRequestError("The path has characters that must be percent-encoded.")
    parts = [method, b" ", target, b" HTTP/1.1\r\nhost: ", host, b"\r\n"]
    names = []
    for name, value in headers:
        names.append(name or b" ")
        parts += (name, b": ", value, b"\r\n")
    parts += (framing, b"\r\n")
    head = b"".join(parts)
    lines = len(names) + 3 + (framing != b"")
    if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
        raise BadRequestError("A header field has a line break or a null in it.")
    if b"".join(names).translate(None, _TOKEN):
        raise BadRequestError("A header field's name has characters that a name cannot have.")
    return head


def request_lines(method: bytes, target: bytes, host: bytes, lines: bytes, framing: bytes) -> bytes:
    """Return a request's head from fields that a parser of ours has read, as lines.

    Raises `BadRequestError` if the method or the target cannot stand in a head, or if anything in it
    could end it.
    """
    if not method or method.translate(None, _TOKEN):
        raise BadRequestError("The method has characters that a method cannot have.")
    if not target or target.translate(None, _VISIBLE):
        raise BadRequestError("The path has characters that must be percent-encoded.")
    head = b"%b %b HTTP/1.1\r\nhost: %b\r\n%b%b\r\n" % (method, target, host, lines, framing)
    breaks = head.count(b"\r\n")
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
        raise BadRequestError("A header field has a line break or a null in it.")
    if head.find(b"\r\n\r\n") != len(head) - 4:
        raise BadRequestError("A header field is empty.")
    return head


def content_length(length: int) -> bytes:
    """Return the field line of a body whose length is known."""
    return b"content-length: %d\r\n" % length

"""An upstream's answer whose head leaves nothing to doubt, read without the parser's callbacks.

The counterpart of `dream_gateway.http1.plain`: what is not read here, llhttp reads.
"""

from __future__ import annotations

from dream_gateway.edge.fields import kept_lines
from dream_gateway.http1.heads import status_line
from dream_gateway.http1.plain import read_fields, read_length

_VERSION = b"HTTP/1.1 "
_TELLING = frozenset({b"transfer-encoding", b"upgrade", b"trailer"})
_PERSISTENT = frozenset({b"keep-alive", b"Keep-Alive"})
_LONGEST = 8192
"""Bytes of a head that is read here; longer ones are rare, and would be kept."""


class PlainAnswer:
    """A final answer with a body of `length` bytes, after which the connection goes on.

    `limited` is its head for the client of a request that has limits, `unlimited` that of another's;
    each ends where the request's id has to be said.
    """

    __slots__ = ("length", "limited", "status", "unlimited")

    def __init__(self, status: int, length: int, limited: bytes, unlimited: bytes) -> None:
        self.status = status
        self.length = length
        self.limited = limited
        self.unlimited = unlimited


def read_answer(head: bytes) -> PlainAnswer | None:
    """Read a head up to and with the empty line; `None` if it is for the parser to judge."""
    line, _, block = head.partition(b"\r\n")
    status = _status(line)
    if status is None or len(head) > _LONGEST:
        return None
    headers = read_fields(block)
    if headers is None:
        return None
    names = [name for name, _ in headers]
    fields = dict(headers)
    if names.count(b"content-length") != 1 or not _TELLING.isdisjoint(fields):
        return None
    if fields.get(b"connection", b"keep-alive") not in _PERSISTENT or (
        names.count(b"connection") > 1
    ):
        return None
    length = read_length(fields[b"content-length"])
    if length is None:
        return None
    start = status_line(status)
    limited = start + kept_lines(status, headers, limited=True) + b"x-request-id: "
    unlimited = start + kept_lines(status, headers, limited=False) + b"x-request-id: "
    return PlainAnswer(status, length, limited, unlimited)


def _status(line: bytes) -> int | None:
    """Return the status of an answer that has a body, and that nobody has to look at closer."""
    digits = line[9:12]
    if line[:9] != _VERSION or line[12:13] != b" " or not digits.isdigit():
        return None
    status = int(digits)
    return status if 200 <= status < 500 and status not in {204, 205, 304} else None

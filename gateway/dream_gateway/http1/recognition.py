"""What a connection's next request is known by, if it is like the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.http1.plain import read_block, read_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.http1.plain import Block, Line
    from dream_gateway.http1.shortcut import Shortcut

_NOTHING = b"\0"
"""What no line and no block begins with."""

LONGEST_KEPT = 1024
"""Bytes of a body that is kept to see whether the next request is the same."""


class Recognition:
    """The last plain request of one connection: its bytes, what was read in them, and its shortcut.

    A line, or a block of fields, that comes again is not read again.
    """

    __slots__ = ("_block", "_block_bytes", "_line", "_line_bytes", "_search", "body", "data", "way")

    def __init__(self, search: Callable[[Line, Block], Shortcut | None]) -> None:
        self._search = search
        self._line: Line | None = None
        self._block: Block | None = None
        self._line_bytes = self._block_bytes = _NOTHING
        self.data = _NOTHING
        """All of the last request: what is the same has the same `body`, and goes the same `way`."""
        self.body = b""
        self.way: Shortcut | None = None

    def find(self, data: bytes) -> Shortcut | None:
        """Return what serves one plain request without an exchange, if that is all that came."""
        self.data = _NOTHING
        start, _, rest = data.partition(b"\r\n")
        if start != self._line_bytes:
            self._line = read_line(start)
            self._line_bytes = _NOTHING if self._line is None else start
            self.way = None
        if not rest.startswith(self._block_bytes):
            block = rest[: rest.find(b"\r\n\r\n") + 4]
            self._block = read_block(block)
            self._block_bytes = _NOTHING if self._block is None else block
            self.way = None
        if self._line is None or self._block is None:
            return None
        size = self._block.length
        if len(rest) - len(self._block_bytes) != size:
            return None
        if self.way is None:
            self.way = self._search(self._line, self._block)
        self.body = rest[-size:] if size else b""
        if size <= LONGEST_KEPT:
            self.data = data
        return self.way

    def whole(self) -> bytes:
        """Return all of the request that was found last."""
        return b"%b\r\n%b%b" % (self._line_bytes, self._block_bytes, self.body)

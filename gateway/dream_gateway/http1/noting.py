"""Connections that note each request for the access log; without one there are none of this kind."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dream_gateway.http1.access import Note
from dream_gateway.http1.connection import HttpConnection
from dream_gateway.http1.heads import CONTINUE

if TYPE_CHECKING:
    import asyncio

    from dream_gateway.errors import GatewayError
    from dream_gateway.http1.access import Charge
    from dream_gateway.http1.exchange import Exchange
    from dream_gateway.http1.request import Request

LONGEST_HEAD = 8_192
"""Bytes of an answer's beginning that are kept until it is noted."""


@runtime_checkable
class Charged(Protocol):
    """An exchange that knows whom its request was charged to."""

    def charge(self) -> Charge:
        """Return what is known when it ends."""
        ...


class Noting(HttpConnection):
    """Goes before a kind of connection, in the list of bases. Every request has an exchange."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to take note."""
        self._slow = True
        self.under_way = UnderWay()
        super().connection_made(transport)

    def accept(self, request: Request) -> Exchange:
        """Note when the request came."""
        return self._noted(super().accept(request))

    def refuse(self, error: GatewayError) -> Exchange:
        """Note when that came which is no request."""
        return self._noted(super().refuse(error))

    def write(self, data: bytes) -> None:
        """Keep the answer's head for the note, and count."""
        if self.under_way is not None:
            self.under_way.wrote(data)
        super().write(data)

    def finish(self, exchange: Exchange, status: int, *, keep: bool) -> None:
        """Leave the note."""
        access, under_way = self.watch.access, self.under_way
        if access is not None and under_way is not None:
            access.note(under_way.note(exchange, status))
        super().finish(exchange, status, keep=keep)

    def _noted(self, exchange: Exchange) -> Exchange:
        if self.under_way is not None:
            self.under_way.began[id(exchange)] = time.time()
        return exchange


class UnderWay:
    """When the requests of a connection came, and what was written for the one whose turn it is."""

    __slots__ = ("_first", "_written", "began")

    def __init__(self) -> None:
        self.began: dict[int, float] = {}
        self._first = b""
        self._written = 0

    def wrote(self, data: bytes) -> None:
        """Count a piece, and keep the first one of the answer."""
        if not self._written or self._first == CONTINUE:
            self._first = data[:LONGEST_HEAD]
        self._written += len(data)

    def note(self, exchange: Exchange, status: int) -> Note:
        """Return the note of an exchange that ends now; the next one begins from nothing."""
        now = time.time()
        began = self.began.pop(id(exchange), now)
        charge = exchange.charge() if isinstance(exchange, Charged) else None
        first, written = self._first, self._written
        self._first, self._written = b"", 0
        return Note(began, exchange.request, status, first, now - began, written, charge)

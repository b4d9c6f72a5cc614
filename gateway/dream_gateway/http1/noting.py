"""Connections that note each request for the access log; without one there are none of this kind."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dream_gateway.http1.access import Note
from dream_gateway.http1.connection import HttpConnection
from dream_gateway.http1.exchange import CLIENT_GONE
from dream_gateway.http1.heads import CONTINUE, SWITCHING_PROTOCOLS

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

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the note of what was not answered to its end, or became a tunnel."""
        left = self._queue[0] if self._queue and self._running else None
        super().connection_lost(exc)
        if left is not None:
            self._leave(left)

    def accept(self, request: Request) -> Exchange:
        """Note when the request came."""
        return self._noted(super().accept(request))

    def on_fault(self, error: GatewayError) -> None:
        """Keep what is wrong, for the note of the request that it is in, if it is in one."""
        if self.under_way is not None:
            self.under_way.fault = error.code
        super().on_fault(error)

    def refuse(self, error: GatewayError) -> Exchange:
        """Note when that came which is no request."""
        exchange = super().refuse(error)
        if self.under_way is not None:
            self.under_way.refused = exchange
        return self._noted(exchange)

    def write(self, data: bytes) -> None:
        """Keep the answer's head for the note, and count."""
        if self.under_way is not None:
            self.under_way.wrote(data)
        super().write(data)

    def on_cut(self, error: GatewayError) -> None:
        """Keep why the answer is cut short."""
        if self.under_way is not None:
            self.under_way.cut = error.code
        super().on_cut(error)

    def finish(self, exchange: Exchange, status: int, *, keep: bool) -> None:
        """Leave the note."""
        access, under_way = self.watch.access, self.under_way
        if access is not None and under_way is not None:
            access.note(under_way.note(exchange, status, self.client))
        super().finish(exchange, status, keep=keep)

    def _give_up(self, exchange: Exchange) -> bool:
        is_told = super()._give_up(exchange)
        if self.under_way is not None:
            if is_told:
                self.under_way.given_up = exchange
            else:
                self.under_way.cut = self.under_way.fault
                self._leave(exchange)
        return is_told

    def _leave(self, exchange: Exchange) -> None:
        """Leave the note of an exchange that will not finish."""
        access, under_way = self.watch.access, self.under_way
        if access is not None and under_way is not None:
            access.note(under_way.unfinished(exchange, self.client))

    def _noted(self, exchange: Exchange) -> Exchange:
        if self.under_way is not None:
            self.under_way.began[id(exchange)] = time.time()
        return exchange


class UnderWay:
    """When the requests of a connection came, and what was written for the one whose turn it is.

    `refused` answers what is wrong in `given_up`, or what is no request; `fault` is the code of what is
    wrong, and `cut` of why an answer breaks off.
    """

    __slots__ = ("_first", "_written", "began", "cut", "fault", "given_up", "refused")

    def __init__(self) -> None:
        self.began: dict[int, float] = {}
        self._first = b""
        self._written = 0
        self.refused: Exchange | None = None
        self.given_up: Exchange | None = None
        self.fault: str | None = None
        self.cut: str | None = None

    def wrote(self, data: bytes) -> None:
        """Count a piece, and keep the first one of the answer."""
        if not self._written or self._first == CONTINUE:
            self._first = data[:LONGEST_HEAD]
        self._written += len(data)

    def note(
        self, exchange: Exchange, status: int | None, client: str | None, code: str | None = None
    ) -> Note:
        """Return the note of an exchange that ends now; the next one begins from nothing."""
        now = time.time()
        began, charge, request = self.began.pop(id(exchange), now), None, None
        asked = self.given_up if exchange is self.refused else exchange
        if asked is not None:
            request = asked.request
            began = self.began.pop(id(asked), began)
            charge = asked.charge() if isinstance(asked, Charged) else None
        first, written = self._first, self._written
        self._first, self._written = b"", 0
        return Note(began, client, request, status, first, now - began, written, charge, code)

    def unfinished(self, exchange: Exchange, client: str | None) -> Note:
        """Return the note of an exchange whose client is gone, or whose answer breaks off."""
        first = self._first
        status = int(first[9:12]) if first and first != CONTINUE else None
        code = None if status == SWITCHING_PROTOCOLS else self.cut or CLIENT_GONE
        return self.note(exchange, status, client, code)

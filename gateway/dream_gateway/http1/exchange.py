"""What serves one request of a connection, and the plainest way to: one answer in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dream_gateway.http1.heads import CLOSE, KEEP_ALIVE, response_head

if TYPE_CHECKING:
    from dream_gateway.http.reply import Reply
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.request import Request

CLIENT_GONE = "client_gone"
"""What is said of a request, in the place of a code, whose client did not wait for all of the answer."""


class Exchange(Protocol):
    """Serves one request. It calls `HttpConnection.write` and, once, `finish`."""

    request: Request
    whole: bool
    """Whether all of the request's body is in."""
    begun: bool
    """Whether anything of the answer was written."""

    def start(self) -> None:
        """Begin: every request before it is answered. The body that is here already was given."""
        ...

    def body(self, data: bytes) -> None:
        """Take a piece of the body."""
        ...

    def body_end(self) -> None:
        """Take note that the body is complete."""
        ...

    def pause(self) -> None:
        """Write nothing more for now: the client does not take it."""
        ...

    def resume(self) -> None:
        """Go on writing."""
        ...

    def lost(self) -> None:
        """Give up: the client is gone. Never blocks; `finish` is not to be called any more."""
        ...

    def tunnelled(self, data: bytes) -> None:
        """Take bytes of a connection that was made a tunnel."""
        ...


class Brief:
    """An exchange that answers in one piece, whatever its request's body says."""

    __slots__ = ("begun", "client", "request", "whole")

    def __init__(self, client: HttpConnection, request: Request) -> None:
        self.client = client
        self.request = request
        self.whole = request.length == 0
        self.begun = False

    def body(self, data: bytes) -> None:
        """Drop it."""

    def body_end(self) -> None:
        """Take note."""
        self.whole = True

    def pause(self) -> None:
        """Nothing is written piece by piece."""

    def resume(self) -> None:
        """Nothing is written piece by piece."""

    def lost(self) -> None:
        """Nothing is to be let go of."""

    def tunnelled(self, data: bytes) -> None:
        """Nobody made a tunnel."""


class Prepared(Brief):
    """An exchange whose answer is known; the connection ends with it."""

    __slots__ = ("_reply",)

    def __init__(self, client: HttpConnection, request: Request, reply: Reply) -> None:
        super().__init__(client, request)
        self._reply = reply

    def start(self) -> None:
        """Answer."""
        answer(self.client, self, self._reply, ends=True)


def answer(
    connection: HttpConnection, exchange: Exchange, reply: Reply, *, ends: bool = False
) -> None:
    """Write a whole answer and end the exchange; `ends`: and the connection."""
    keep = not ends and connection.keeps(exchange)
    head = response_head(
        reply.status, reply.headers, connection.date + connection_field(exchange.request, keep)
    )
    connection.write(head if exchange.request.method == "HEAD" else head + reply.body)
    connection.finish(exchange, reply.status, keep=keep)


def connection_field(request: Request, keep: bool) -> bytes:
    """Return the `Connection` line, which only says what is not the version's default."""
    if not keep:
        return CLOSE
    return b"" if request.version == "1.1" else KEEP_ALIVE

"""A connection without a socket: bytes in, requests and written bytes out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.servers.protocols import State

from dream_gateway.http.problem import problem
from dream_gateway.http.reply import Reply
from dream_gateway.http1.connection import HttpConnection
from dream_gateway.http1.exchange import Prepared, answer
from dream_gateway.http1.noting import Noting
from dream_gateway.http1.request import unread
from dream_gateway.http1.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.errors import GatewayError
    from dream_gateway.http1.exchange import Exchange
    from dream_gateway.http1.request import Request


class MemoryTransport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1234)})
        self.written = b""
        self.closed = self.aborted = self.ended = self.paused = False

    def write(self, data: Any) -> None:
        assert not self.closed
        assert not self.ended
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


@dataclass
class Served:
    """An exchange that answers 204 once its body is in; `waits` keeps it from that."""

    client: HttpConnection
    request: Request
    waits: bool
    early: bool = False
    whole: bool = False
    pieces: bytes = b""
    started: bool = False
    is_lost: bool = False
    begun: bool = False
    is_paused: bool = False

    def __post_init__(self) -> None:
        self.whole = self.request.length == 0

    def start(self) -> None:
        self.started = True
        self.go_on()

    def body(self, data: bytes) -> None:
        self.pieces += data
        if self.early and not self.begun:
            self.begun = True
            answer(self.client, self, Reply(204, [], b""), ends=True)

    def body_end(self) -> None:
        self.whole = True
        self.go_on()

    def go_on(self) -> None:
        if self.started and self.whole and not self.waits:
            self.started = False
            answer(self.client, self, Reply(204, [], b""))

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    def begin(self) -> None:
        """Write a part of the answer."""
        self.begun = True
        self.client.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")

    def lost(self) -> None:
        self.is_lost = True

    def tunnelled(self, data: bytes) -> None: ...


class Recorder(HttpConnection):
    """A connection that notes its requests."""

    __slots__ = ("__dict__",)

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch, State())
        self.served: list[Served] = []
        self.errors: list[GatewayError] = []
        self.waits = self.answers_early = False
        self.transport = MemoryTransport()
        self.connection_made(self.transport)

    def accept(self, request: Request) -> Exchange:
        served = Served(self, request, self.waits, self.answers_early)
        self.served.append(served)
        return served

    def refuse(self, error: GatewayError) -> Exchange:
        self.errors.append(error)
        return Prepared(self, unread(), problem(error))


class NotedRecorder(Noting, Recorder):
    """A connection that notes its requests in the access log, too."""

    __slots__ = ()


@pytest.fixture
def recorder() -> Callable[..., Recorder]:
    """Make connections; to be called inside an event loop."""
    return lambda watch=None, noting=False: (NotedRecorder if noting else Recorder)(
        watch or Watch()
    )

"""Time for all connections of a worker at once: a coarse clock, the `Date`, and who is too late.

One timer looks over every connection now and then, which costs a request nothing but noting the time.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import astuple, dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dream_gateway.http1.access import AccessLog

NO_LIMIT = float("inf")


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a client may take for each step.

    `head` is for a request's head, `body` between pieces of its body, `idle` between requests, `write`
    to take what was written for it, `linger` to hear an answer that came before it had said all.
    """

    head: float = 30.0
    body: float = 60.0
    idle: float = 75.0
    write: float = 60.0
    linger: float = 5.0


class Watched(Protocol):
    """A connection that can be too late."""

    def look(self, now: float) -> None:
        """Act if time is up; `now` is the watch's."""
        ...

    def divert(self) -> None:
        """Have the next request served by an exchange."""
        ...

    def retire(self) -> None:
        """End with the next answer, which says so; what is idle stays open for it."""
        ...


class Watch:
    """Used from one event loop. `now` is monotonic seconds, behind by one tick at most."""

    def __init__(self, patience: Patience | None = None, access: AccessLog | None = None) -> None:
        self.patience = patience or Patience()
        self.access = access
        """Where answered requests are noted, if anywhere."""
        self.leaving = False
        """Whether every connection, new ones too, ends with its next answer."""
        self._tick_seconds = min(1.0, min(astuple(self.patience)) / 4)
        self._connections: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.now = 0.0
        self.date = b""

    def add(self, connection: Watched) -> None:
        """Look after a connection until it is discarded."""
        self._connections.add(connection)
        if self._timer is None:
            self._tick()

    def discard(self, connection: Watched) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def leave(self) -> None:
        """Have clients go elsewhere: every answer from now on ends its connection."""
        self.leaving = True
        for connection in tuple(self._connections):
            connection.retire()

    def divert(self, most: int) -> None:
        """Have the next request of some connections served by an exchange, whatever it is."""
        connections = tuple(self._connections)
        for connection in random.sample(connections, min(most, len(connections))):
            connection.divert()

    def _tick(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        self.now = loop.time()
        self.date = b"date: %b\r\n" % formatdate(time.time(), usegmt=True).encode()
        for connection in tuple(self._connections):
            connection.look(self.now)
        if self._connections:
            self._timer = loop.call_later(self._tick_seconds, self._tick)

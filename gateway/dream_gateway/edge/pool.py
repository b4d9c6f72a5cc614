"""Keep-alive connections to one origin: bounded, most recently used first, with passive health."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from dream_gateway import metrics
from dream_gateway.edge.health import Health
from dream_gateway.edge.link import UNKNOWN, Link
from dream_gateway.errors import UpstreamTimeoutError, UpstreamUnreachableError
from dream_gateway.metrics import latency_histogram
from dream_gateway.series import LATENCY_METRICS

if TYPE_CHECKING:
    import ssl

    from dream_gateway.edge.origin import Origin
    from dream_gateway.metrics import Readings

MAX_CONNECTIONS = 512
"""Connections to one origin; a request past that waits for one, within its connect timeout."""

SWEEP_SECONDS = 15.0
"""How often idle connections are looked over: one that was not used in between is closed, after 15 to
30 seconds. Servers commonly close them after 60 to 75."""

EJECTED_SECONDS = 5.0
"""How long an origin that cannot be connected to is passed over, if there are others."""


class Pool:
    """The connections to one origin."""

    __slots__ = (
        "_idle",
        "_limit",
        "_loop",
        "_open",
        "_ssl",
        "_sweep",
        "_waiting",
        "ejected_until",
        "health",
        "origin",
        "pending",
    )

    def __init__(
        self, origin: Origin, ssl_context: ssl.SSLContext | None, limit: int = MAX_CONNECTIONS
    ) -> None:
        self.origin = origin
        self.pending = 0
        self.ejected_until = 0.0
        self.health = Health()
        self._ssl = ssl_context if origin.tls else None
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._idle: list[Link] = []
        self._open: set[Link] = set()
        self._waiting: deque[asyncio.Future[Link | None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None

    def take_idle(self) -> Link | None:
        """Return the idle connection used last, `None` if there is none. Never blocks."""
        idle = self._idle
        while idle:
            link = idle.pop()
            transport = link.transport
            # `Link.closing`, without the call: this is done for each request.
            if transport is not None and not transport.is_closing():
                return link
        return None

    async def connect(self, seconds: float) -> Link:
        """Return a connection, a new one if none is idle, within `seconds`.

        Raises `UpstreamUnreachableError`, or `UpstreamTimeoutError`; the origin is then ejected.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._connect()
        except TimeoutError as exc:
            self._eject()
            raise UpstreamTimeoutError(
                "The API behind the gateway did not accept the connection in time."
            ) from exc
        except OSError as exc:
            self._eject()
            raise UpstreamUnreachableError from exc

    def give_back(self, link: Link) -> None:
        """Take a connection back after an exchange, to keep or to close."""
        if link.rest():
            self.keep(link)

    def keep(self, link: Link) -> None:
        """Take back a connection that is fit for another exchange; who waits longest gets it."""
        if self._waiting and self._give(link):
            return
        self._idle.append(link)

    async def close(self) -> None:
        """Close every link."""
        if self._sweep is not None:
            self._sweep.cancel()
        for link in tuple(self._open):
            link.abort()
        self._idle.clear()

    async def _connect(self) -> Link:
        while len(self._open) >= self._limit:
            given = await self._turn()
            if given is not None and not given.closing:
                return given
        link = Link(self._loop, self._lost)
        self._open.add(link)
        self._plan_sweep()
        try:
            await self._dial(link)
        except BaseException:
            link.abort()
            self._lost(link)
            raise
        self.ejected_until = 0.0
        return link

    async def _dial(self, link: Link) -> None:
        origin = self.origin
        if origin.socket is not None:
            await self._loop.create_unix_connection(lambda: link, origin.socket)
            return
        await self._loop.create_connection(
            lambda: link,
            origin.host,
            origin.port,
            ssl=self._ssl,
            server_hostname=origin.host if self._ssl else None,
        )

    async def _turn(self) -> Link | None:
        """Wait for a connection, or, for `None`, until one more may be opened."""
        turn: asyncio.Future[Link | None] = self._loop.create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # It was given to one who went away in that moment, and is passed on.
                link = turn.result()
                if link is None:
                    self._give(None)
                else:
                    self.keep(link)
            raise

    def _give(self, link: Link | None) -> bool:
        """Let the one who waits longest go on; tell whether anybody waited."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(link)
                return True
        return False

    def _look_over(self) -> None:
        """Close what has been idle since the last time."""
        self._sweep = None
        kept = [link for link in self._idle if link.used]
        for link in self._idle:
            if not link.used:
                link.abort()
            link.used = False
        self._idle[:] = kept
        self._plan_sweep()

    def _plan_sweep(self) -> None:
        if self._open and self._sweep is None:
            self._sweep = self._loop.call_later(SWEEP_SECONDS, self._look_over)

    def _lost(self, link: Link) -> None:
        self._open.discard(link)
        if link in self._idle:
            self._idle.remove(link)
        self._give(None)

    def sample(self) -> None:
        """Have the next plain answer on each connection be looked at, and timed, like a first one."""
        for link in self._open:
            link.known_head = UNKNOWN

    def report(self, now: float) -> dict[str, object]:
        """Return how the origin does; `now` is the loop's time."""
        return {
            "url": self.origin.url,
            "connections": len(self._open),
            "pending": self.pending,
            "waiting": len(self._waiting),
            "ejected": self.ejected_until > now,
            **self.health.report(now),
        }

    def measure(self, now: float) -> Readings:
        """Return the pool's numbers since it was opened, and how it stands at the loop's time."""
        seen, labels = self.health.ever(), (self.origin.url,)
        latencies = latency_histogram(seen.latencies, seen.seconds, LATENCY_METRICS)
        return {
            metrics.ANSWERS.name: {labels: latencies},
            metrics.ERRORS.name: {labels: seen.errors},
            metrics.FAILURES.name: {labels: seen.failures},
            metrics.CONNECTIONS.name: {labels: len(self._open)},
            metrics.PENDING.name: {labels: self.pending},
            metrics.WAITING.name: {labels: len(self._waiting)},
            metrics.EJECTED.name: {labels: int(self.ejected_until > now)},
        }

    def _eject(self) -> None:
        self.health.failures += 1
        self.ejected_until = self._loop.time() + EJECTED_SECONDS

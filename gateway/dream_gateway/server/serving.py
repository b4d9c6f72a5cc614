"""Serves the two planes on one event loop, and drains them together."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, cast

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Generator

    from uvicorn._types import ASGI3Application

    from dream_gateway.settings import Settings

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection is kept: longer than the idle time of common load balancers."""

HURRY_SECONDS = 2.0
"""How long requests that were given up may take to notice."""


LAST_WORDS_SECONDS = 0.1
"""How long a request may be under way to us on a connection that was accepted last of all."""


class PlaneServer(uvicorn.Server):
    """A uvicorn server that leaves signals alone and tells when it has started."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to the worker, which has two servers to stop."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, and say so."""
        await super().startup(sockets)
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, let what was accepted last be read, and then drain."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        if not self.force_exit:
            await asyncio.sleep(LAST_WORDS_SECONDS)
        await super().shutdown(sockets)


class Planes:
    """The servers of one worker. Use it from one event loop; `serve` once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._servers: list[PlaneServer] = []
        self._sockets: list[socket.socket] = []
        self._started = 0
        self._is_draining = False
        self._on_ready: Callable[[], None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def add(
        self,
        app: object,
        listener: socket.socket,
        protocols: Callable[..., asyncio.Protocol] | None = None,
    ) -> None:
        """Serve an ASGI app on a listening socket, by `protocols` that speak for it if given."""
        config = uvicorn.Config(
            cast("ASGI3Application", app),
            http=cast("type[asyncio.Protocol]", protocols or "httptools"),
            ws="websockets-sansio",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=protocols is None,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=math.ceil(self._settings.drain_seconds),
        )
        self._servers.append(PlaneServer(config, self._count_started))
        self._sockets.append(listener)

    async def serve(self, on_ready: Callable[[], None]) -> None:
        """Serve until drained; `on_ready` is called once, when every plane accepts connections.

        Told to drain before, it serves nothing.
        """
        if self._is_draining:
            return
        self._on_ready = on_ready
        pairs = zip(self._servers, self._sockets, strict=True)
        self._tasks = [asyncio.create_task(server.serve([sock])) for server, sock in pairs]
        # One plane that ends, for whatever reason, ends the other.
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        self._each_should_exit()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def drain(self) -> None:
        """Accept nothing more, and finish what is under way; called again: give it up.

        Never blocks.
        """
        if self._is_draining:
            self._hurry()
        self._is_draining = True
        self._each_should_exit()

    def _count_started(self) -> None:
        self._started += 1
        if self._started == len(self._servers) and self._on_ready is not None:
            self._on_ready()

    def _each_should_exit(self) -> None:
        for server in self._servers:
            server.should_exit = True

    def _hurry(self) -> None:
        for server in self._servers:
            server.force_exit = True
            for request in server.server_state.tasks:
                request.cancel()
        loop = asyncio.get_running_loop()
        for task in self._tasks:
            loop.call_later(HURRY_SECONDS, task.cancel)

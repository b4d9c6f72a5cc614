"""A server in a thread of its own, on a port that is free."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PATIENCE_SECONDS = 10.0


class ThreadedServer:
    """Serves an application by HTTP. It is up when `start` returns, and gone when `stop` does."""

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> None:
        # The protocol is named, or asyncio would leave Nagle's algorithm on, and each answer would
        # wait 40 ms for an acknowledgement.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._up = threading.Event()
        self._done = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="fake-stripe", daemon=True)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        """Serve until told otherwise, and then wait for nobody."""
        self._loop = asyncio.get_running_loop()
        await self._server.startup(sockets=[self._socket])
        self._up.set()
        await self._done.wait()
        for listener in self._server.servers:
            listener.close()
        for connection in list(self._server.server_state.connections):
            connection.shutdown()

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        if not self._up.wait(PATIENCE_SECONDS):
            raise TimeoutError("the fake does not come up")

    def stop(self) -> None:
        """Serve no longer."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(PATIENCE_SECONDS)
        self._socket.close()

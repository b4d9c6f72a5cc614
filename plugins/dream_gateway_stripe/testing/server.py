"""A server in a thread of its own, on a port that is free."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PATIENCE_SECONDS = 10.0


class ThreadedServer:
    """Serves an application by HTTP, on loopback."""

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = socket.create_server((host, port))
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="fake-stripe", daemon=True)

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise TimeoutError("the fake does not come up")
            time.sleep(0.005)

    def stop(self) -> None:
        """Serve no longer."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(PATIENCE_SECONDS)
        self._socket.close()

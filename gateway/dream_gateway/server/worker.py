"""A worker process: `python -m dream_gateway.server.worker EDGE_FD SERVICE_FD STATUS_FD`.

Started by `dream_gateway.server.worker_process`. Its generation comes on the standard input, and later
the orders of `dream_gateway.server.status`; its end means that the supervisor is gone. SIGTERM drains, a
second one hurries.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from dream_gateway.errors import ConfigurationError, GatewayError
from dream_gateway.gateway import Gateway
from dream_gateway.http1.access import AccessLog
from dream_gateway.http1.watch import Watch
from dream_gateway.server.certificates import server_context
from dream_gateway.server.composition import Contexts, add_planes
from dream_gateway.server.generation import decode
from dream_gateway.server.logs import configure_logging
from dream_gateway.server.serving import Planes
from dream_gateway.server.status import LEAVE, REOPEN, RETIRE, Ready, encode, failed

if TYPE_CHECKING:
    from dream_gateway.server.generation import Generation
    from dream_gateway.server.status import Status
    from dream_gateway.settings import Settings

COULD_NOT_START = 3
"""The exit code of a worker that has told its supervisor why."""

GC_THRESHOLDS = (5_000, 10, 10)
"""Rarer collections: requests make little garbage in cycles, and a collection is a pause.

Not rarer still: what waits to be collected is memory, and gained nothing when measured.
"""


class Worker:
    """What one worker process runs."""

    _gateway: Gateway

    def __init__(self, generation: Generation, status_fd: int) -> None:
        self._generation = generation
        self._settings = generation.settings
        self._status_fd = status_fd
        self._planes = Planes(generation.settings)
        self._watch = Watch()

    async def run(self, edge: socket.socket, service: socket.socket) -> None:
        """Serve on the listening sockets until told to stop; leases are returned before the end."""
        gateway = self._gateway = Gateway(self._settings)
        self._listen()
        self._watch.access = _open_access_log(self._settings)
        try:
            await gateway.start()
            contexts = _contexts(self._generation)
            upstream = add_planes(
                self._planes, gateway, edge, service, self._watch, contexts=contexts
            )
            await self._planes.serve(self._ready)
            await upstream.close()
        finally:
            await gateway.close()
            if self._watch.access is not None:
                self._watch.access.close()

    def tell(self, status: Status) -> None:
        """Tell the supervisor, if it is still there."""
        try:
            os.write(self._status_fd, encode(status))
        except BrokenPipeError:
            self._drain()

    def _ready(self) -> None:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        self.tell(Ready())

    def _listen(self) -> None:
        """Drain on SIGTERM, and when the supervisor is gone; SIGUSR1 need not be for it alone."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._drain)
        loop.add_signal_handler(signal.SIGUSR1, self._reopen)
        loop.add_reader(sys.stdin.fileno(), self._read_supervisor)

    def _read_supervisor(self) -> None:
        told = os.read(sys.stdin.fileno(), 1024)
        if not told:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._drain()
            return
        self._gateway.leaving |= LEAVE in told
        if LEAVE in told or RETIRE in told:
            self._watch.leave()
        if REOPEN in told:
            self._reopen()

    def _reopen(self) -> None:
        if self._watch.access is not None:
            self._watch.access.reopen()

    def _drain(self) -> None:
        self._watch.leave()
        self._planes.drain()


def _contexts(generation: Generation) -> Contexts:
    edge, service = (
        None if pair is None else server_context(pair)
        for pair in (generation.edge, generation.service)
    )
    return Contexts(edge, service)


def _open_access_log(settings: Settings) -> AccessLog | None:
    if not settings.access_log:
        return None
    try:
        return AccessLog(
            settings.access_log_file,
            query=settings.access_log_query,
            parameter=settings.query_parameter,
        )
    except OSError as error:
        raise ConfigurationError(
            f"The access_log_file {settings.access_log_file} cannot be written: {error.strerror}."
        ) from error


def main() -> None:
    """Run a worker on inherited sockets; the exit code is 0 if it was told to stop."""
    edge_fd, service_fd, status_fd = map(int, sys.argv[1:4])
    # Without a buffer, which would keep an order that follows.
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as given:
        line = given.readline()
    if not line:
        return
    generation = decode(line)
    configure_logging(generation.settings)
    worker = Worker(generation, status_fd)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(worker.run(socket.socket(fileno=edge_fd), socket.socket(fileno=service_fd)))
    except GatewayError as error:
        worker.tell(failed(error))
        sys.exit(COULD_NOT_START)


def _loop_factory() -> type[asyncio.AbstractEventLoop]:
    if sys.implementation.name != "cpython":
        return asyncio.SelectorEventLoop
    import uvloop  # noqa: PLC0415 - there is none for other implementations

    return uvloop.Loop


if __name__ == "__main__":
    main()

"""One worker process, as its supervisor sees it: start, ready, signals, end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from dream_gateway.server.generation import encode
from dream_gateway.server.status import Failed, decode

if TYPE_CHECKING:
    from dream_gateway.server.generation import Generation
    from dream_gateway.server.listeners import Listeners

WORKER_MODULE = "dream_gateway.server.worker"


class WorkerProcess:
    """A running worker. `failure` is why it could not start, if it said so."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        status: asyncio.StreamReader,
        generation: Generation,
    ) -> None:
        self._process = process
        self._status = status
        self.generation = generation
        self.started = asyncio.get_running_loop().time()
        self.failure: Failed | None = None
        self._is_told = False

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended: 0 is well, a negative number a signal, `None` not yet."""
        return self._process.returncode

    async def ready(self) -> bool:
        """Wait until the worker accepts connections, or `False` once it is clear it never will."""
        line = await self._status.readline()
        status = decode(line) if line.endswith(b"\n") else None
        if isinstance(status, Failed):
            self.failure = status
        return status is not None and self.failure is None

    async def wait(self) -> None:
        """Wait until the process has ended."""
        await self._process.wait()

    def tell(self, order: bytes) -> None:
        """Give it one of the orders of `dream_gateway.server.status`, if it still listens."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(order)

    def stop(self) -> None:
        """Ask it to drain, once: a worker takes a second signal for an order to hurry."""
        if not self._is_told:
            self._is_told = True
            self._send(signal.SIGTERM)

    def hurry(self) -> None:
        """Have it give up what is under way, after it was told to stop."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once; its journal says what it had spent."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)


async def start_worker(generation: Generation, listeners: Listeners) -> WorkerProcess:
    """Start a worker on the listeners.

    It gets its generation on its standard input, which stays open: its end tells the worker that the
    supervisor is gone.
    """
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()
    inherited = (listeners.edge.fileno(), listeners.service.fileno(), writing)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            WORKER_MODULE,
            *map(str, inherited),
            stdin=asyncio.subprocess.PIPE,
            pass_fds=inherited,
            # Ctrl-C is for the supervisor alone: it tells the workers once, and they drain.
            process_group=0,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    status = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(status), os.fdopen(reading, "rb", 0)
    )
    worker = WorkerProcess(process, status, generation)
    await _send_generation(process, generation)
    return worker


async def _send_generation(process: asyncio.subprocess.Process, generation: Generation) -> None:
    stdin = process.stdin
    if stdin is None:
        raise RuntimeError("the worker was started without a pipe to its input")
    try:
        stdin.write(encode(generation))
        await stdin.drain()
    except ConnectionError:
        # It died before it read them, which its end tells already.
        return

"""What a worker measures, gathered when it is asked for, and written down where its node has it."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import resource
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from dream_gateway import metrics
from dream_gateway.errors import GatewayError
from dream_gateway.metrics import merged
from dream_gateway.records import backlog
from dream_gateway.telemetry.node import Node
from dream_gateway.telemetry.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from dream_gateway.clock import Clock
    from dream_gateway.metrics import Readings
    from dream_gateway.records.database import Records

logger = logging.getLogger(__name__)
T = TypeVar("T")

WRITE_SECONDS = 2.0
BACKLOG_SECONDS = 10.0
"""How long it is told again what waits in the records, before they are asked again."""


class Telemetry:
    """See `dream_gateway.facilities.Metrics`. One per worker, used from its event loop."""

    def __init__(self, folder: Path, records: Records, clock: Clock, version: str) -> None:
        self._folder = folder
        self._records = records
        self._clock = clock
        self._version = version
        self._sources: list[Callable[[], Readings]] = [self._process]
        self._node: Node | None = None
        self._task: asyncio.Task[None] | None = None
        self._backlog: Readings = {}
        self._backlog_at = -BACKLOG_SECONDS
        # One thread, and so one thing after the other, also after somebody who was given up.
        self._files = ThreadPoolExecutor(1, "metrics")
        self.totals = Totals()

    def add(self, source: Callable[[], Readings]) -> None:
        """Have a part of the worker measured, too. It must be quick, and not raise."""
        self._sources.append(source)

    def begin(self, *, by_project: bool = False) -> None:
        """Begin to write this worker's numbers down. Safe to call twice."""
        self.totals.by_project = self.totals.by_project or by_project
        if self._task is None:
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._run(), name="metrics")

    def worker(self) -> Readings:
        """Return this worker's numbers. Never blocks."""
        return merged([source() for source in self._sources] + [self.totals.measure()])

    async def waiting(self) -> Readings:
        """Return what waits in the records, as of a few seconds ago at most."""
        if self._clock.monotonic() - self._backlog_at >= BACKLOG_SECONDS:
            self._backlog_at = self._clock.monotonic()
            try:
                async with self._records.read() as connection:
                    found = await backlog.measure(connection, self._clock.now())
                self._backlog = {**found, metrics.RECORDS.name: {(): 1}}
            except GatewayError:
                self._backlog = {metrics.RECORDS.name: {(): 0}}
        return self._backlog

    async def node(self) -> Readings:
        """Return the numbers of all workers of this node, and what waits in the records.

        Of this worker alone where the folder cannot be written to.
        """
        waiting = await self.waiting()
        mine = self.worker()
        try:
            told = await self._in_turn(lambda: self._written(mine).read())
        except OSError as exc:
            logger.warning("What the other workers measure cannot be read: %s", exc.strerror)
            told = mine
        return {**told, **waiting}

    async def aclose(self) -> None:
        """Write the last numbers. Safe to call twice, and without `begin`."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        mine = self.worker()
        try:
            await self._in_turn(lambda: self._written(mine, ended=True))
        except OSError as exc:
            logger.warning("What was measured last could not be written: %s", exc.strerror)

    async def _run(self) -> None:
        while True:
            try:
                mine = self.worker()
                await self._in_turn(partial(self._written, mine))
            except OSError as exc:
                logger.warning("What is measured cannot be written: %s", exc.strerror)
            except Exception:
                logger.exception("What is measured could not be gathered.")
            await asyncio.sleep(WRITE_SECONDS)

    def _in_turn(self, work: Callable[[], T]) -> Awaitable[T]:
        """Do what takes files after all that was to be done before, though nobody waits for that."""
        return asyncio.get_running_loop().run_in_executor(self._files, work)

    def _written(self, readings: Readings, *, ended: bool = False) -> Node:
        """Return the node, in which this worker's numbers are now; in the thread."""
        if self._node is None:
            self._node = Node(self._folder, f"{os.getpid()}-{os.urandom(8).hex()}")
        self._node.write(readings, ended=ended)
        return self._node

    def _process(self) -> Readings:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            metrics.BUILD.name: {(self._version, platform.python_version()): 1},
            metrics.WORKERS.name: {(): 1},
            metrics.STARTS.name: {(): 1},
            metrics.DEATHS.name: {(): 0},
            metrics.CPU.name: {(): used.ru_utime + used.ru_stime},
            metrics.MEMORY.name: {(): _resident_bytes()},
        }


def _resident_bytes() -> int:
    """Return the memory that this process holds, 0 where the system does not tell (proc(5))."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0

"""Errors of admission: a key with a limit asks for more, and what passed is held against it.

Once in peace, and once with the server killed (SIGKILL, every process) when half of the limit had
passed and started again on the same state. Nothing is timed here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from bench.load.client import Connection, request
from bench.load.contender import Setting
from bench.load.rounds import wait_for_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.load.contender import Contender
    from bench.load.machine import Server
    from bench.load.wrk import Job

LIMIT = 1_000
ASKED = 5_000
IN_FLIGHT = 64
SECONDS = 60.0
"""How long all requests of one count may take together."""


@dataclass(slots=True)
class Tally:
    """What became of the requests: passed, refused for the limit, answered otherwise, or neither.

    `unanswered` are those whose connection broke: they may have been charged, or not.
    """

    admitted: int = 0
    denied: int = 0
    failed: int = 0
    unanswered: int = 0

    def count(self, status: int) -> None:
        """Count an answer."""
        if status < 400:
            self.admitted += 1
        elif status == 429:
            self.denied += 1
        else:
            self.failed += 1


@dataclass(frozen=True, slots=True)
class Admission:
    """How far a contender was off its limit: in peace, and after being killed half-way."""

    name: str
    limit: int
    asked: int
    calm: Tally
    killed: Tally

    @property
    def error(self) -> int:
        """Requests admitted above the limit; negative: fewer than the limit."""
        return self.calm.admitted - self.limit

    @property
    def error_killed(self) -> int:
        """The same after `kill -9`."""
        return self.killed.admitted - self.limit


def measure(contender: Contender, folder: Path, upstream_port: int) -> Admission:
    """Count what a contender admits, twice. Raises `RuntimeError` if it does not start."""
    calm = _count(contender, Setting(Path(mkdtemp(dir=folder)), upstream_port, LIMIT), killed=False)
    killed = _count(
        contender, Setting(Path(mkdtemp(dir=folder)), upstream_port, LIMIT), killed=True
    )
    return Admission(contender.name, LIMIT, ASKED, calm, killed)


def _count(contender: Contender, setting: Setting, *, killed: bool) -> Tally:
    server, job = contender.begin(setting)
    try:
        wait_for_answer(server, job, contender.name)
        crash = Crash(server.kill, lambda: _again(server, job, contender.name))
        waits = 2 if killed else 1
        tally = asyncio.run(ask(job, ASKED - waits, crash if killed else None))
    finally:
        server.stop()
    tally.admitted += waits  # The good answers that were waited for were charged as well.
    return tally


def _again(server: Server, job: Job, whose: str) -> None:
    server.start()
    wait_for_answer(server, job, whose)


@dataclass(frozen=True, slots=True)
class Crash:
    """How to kill a server, and how to have it again. Both are called in a thread."""

    kill: Callable[[], None]
    again: Callable[[], None]


async def ask(job: Job, total: int, crash: Crash | None = None) -> Tally:
    """Ask `total` times, 64 at once; when half of the limit has passed, crash the server.

    Whoever loses an answer by that waits until the server is there again. Raises `TimeoutError`
    after a minute.
    """
    crowd = _Crowd(job, total, crash)
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        for _ in range(IN_FLIGHT):
            tasks.create_task(crowd.work())
    return crowd.tally


class _Crowd:
    def __init__(self, job: Job, total: int, crash: Crash | None) -> None:
        self.tally = Tally()
        self._job = job
        self._left = total
        self._crash = crash
        self._up = asyncio.Event()
        self._up.set()

    async def work(self) -> None:
        """Ask, one request after the other, until all are asked."""
        connection, job = Connection(self._job.url), self._job
        asked = request(job.method, job.url, job.headers)
        while self._left > 0:
            self._left -= 1
            try:
                self.tally.count((await connection.ask(asked)).status)
            except (OSError, EOFError):
                self.tally.unanswered += 1
                connection.close()
                await self._up.wait()
            if self._crash is not None and self.tally.admitted >= LIMIT // 2:
                await self._die()
        connection.close()

    async def _die(self) -> None:
        """Crash it while the others go on asking."""
        crash, self._crash = self._crash, None
        if crash is not None:
            self._up.clear()
            await asyncio.to_thread(crash.kill)
            await asyncio.to_thread(crash.again)
            self._up.set()

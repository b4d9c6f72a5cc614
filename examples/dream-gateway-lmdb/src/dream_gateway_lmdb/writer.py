"""Runs operations on the file in a thread; what comes meanwhile is the next transaction."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import lmdb

from dream_gateway.bookkeeping import MICROSECONDS
from dream_gateway.errors import StoreUnavailableError
from dream_gateway_lmdb.environments import IN_THIS_PROCESS
from dream_gateway_lmdb.faults import translate
from dream_gateway_lmdb.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.clock import Clock
    from dream_gateway_lmdb.address import Address

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """An operation on its way, and who waits for it."""

    work: Callable[[Session], object]
    future: asyncio.Future[object]

    def tell(self, outcome: object) -> None:
        """Hand over what came of it, unless nobody waits any more."""
        if self.future.done():
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


class Writer:
    """LMDB lets one transaction write at a time, over all processes; the others wait for it."""

    def __init__(self, address: Address, clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self._thread: ThreadPoolExecutor | None = None
        self._environment: lmdb.Environment | None = None
        self._jobs: list[Job] = []
        self._turns: asyncio.Task[None] | None = None

    async def start(self, prepare: Callable[[Session], None]) -> None:
        """Open the file, made if it is not there, and run `prepare` on it."""
        if self._thread is not None:
            return
        self._thread = ThreadPoolExecutor(1, "dream-gateway-lmdb")
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._open)
            await self.run(prepare)
        except BaseException:
            await self.close()
            raise

    async def run(self, work: Callable[[Session], T]) -> T:
        """Run an operation; returns once it is committed. What it raises undoes it."""
        if self._thread is None:
            raise StoreUnavailableError("The store is closed.")
        loop = asyncio.get_running_loop()
        job = Job(work, loop.create_future())
        self._jobs.append(job)
        if self._turns is None:
            self._turns = loop.create_task(self._take_turns(self._thread))
        return cast("T", await job.future)

    async def close(self) -> None:
        """Finish what is under way, and let go of the file. Safe to call twice."""
        thread, self._thread = self._thread, None
        if self._turns is not None:
            await self._turns
        if thread is not None:
            await asyncio.to_thread(thread.shutdown)
        environment, self._environment = self._environment, None
        if environment is not None:
            IN_THIS_PROCESS.release(self._address)

    def _open(self) -> None:
        try:
            self._environment = IN_THIS_PROCESS.acquire(self._address)
        except lmdb.Error as error:
            raise translate(error, starting=True) from error

    async def _take_turns(self, thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while self._jobs:
            group, self._jobs = self._jobs, []
            outcomes = await loop.run_in_executor(thread, self._run_group, group)
            for job, outcome in zip(group, outcomes, strict=True):
                job.tell(outcome)
        self._turns = None

    def _run_group(self, group: list[Job]) -> list[object]:
        """Return each operation's result or error; one that fails does not fail the others."""
        try:
            return self._transact(group)
        except Exception as error:  # noqa: BLE001 - an operation's own; it is told to its caller
            if len(group) == 1:
                return [error]
        return [outcome for job in group for outcome in self._run_group([job])]

    def _transact(self, group: list[Job]) -> list[object]:
        assert self._environment is not None  # noqa: S101 - opened by start
        try:
            # An exception on the way out of this block undoes the transaction.
            with self._environment.begin(write=True) as transaction:
                session = Session(transaction, int(self._clock.monotonic() * MICROSECONDS))
                results = [job.work(session) for job in group]
                session.flush()
                return results
        except lmdb.Error as error:
            raise translate(error) from error

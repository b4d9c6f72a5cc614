"""One connection and what waits for it: jobs that arrive meanwhile go together in the next run."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dream_gateway.errors import StoreUnavailableError
from dream_gateway_postgres import faults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import asyncpg

    from dream_gateway_postgres.connector import Connector

T = TypeVar("T")

CALL_SECONDS = 5.0
"""How long a run may take, a second attempt included, before the store counts as away."""

GROUP_LIMIT = 1024
"""Jobs per run at most, so that the first of them does not wait for ever."""


class Job(Generic[T]):
    """A call on its way. `again`: it is repeated, and nobody knows what came of the first time."""

    __slots__ = ("again", "call", "future", "result")

    def __init__(self, call: T, future: asyncio.Future[Any]) -> None:
        self.call = call
        self.future = future
        self.result: Any = None
        self.again = False

    def resolve(self) -> None:
        """Hand over the outcome."""
        if self.future.done():
            return  # whoever asked has gone away
        if isinstance(self.result, BaseException):
            self.future.set_exception(self.result)
        else:
            self.future.set_result(self.result)


class Lane(Generic[T]):
    """Runs groups of jobs one after another.

    `run(connection, jobs)` sets each job's `result`. It is one transaction, which changes nothing
    if it raises; unless the connection broke while it committed. Therefore calls must be safe to
    repeat: a group whose connection broke is run once more on a new one.
    """

    def __init__(
        self,
        connector: Connector,
        run: Callable[[asyncpg.Connection, list[Job[T]]], Awaitable[None]],
    ) -> None:
        self._connector = connector
        self._run = run
        self._jobs: deque[Job[T]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection | None = None
        self._closed = False

    async def submit(self, call: T) -> Any:
        """Return a call's result. Raises its own error, or `StoreUnavailableError`."""
        if self._closed:
            raise StoreUnavailableError("The store is closed.")
        loop = asyncio.get_running_loop()
        job = Job(call, loop.create_future())
        self._jobs.append(job)
        if self._worker is None:
            self._worker = loop.create_task(self._work())
        return await job.future

    async def close(self) -> None:
        """Finish what is queued, and close the connection. Safe to call twice."""
        self._closed = True
        if self._worker is not None:
            await self._worker
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=1)
            except faults.FAILURES:
                connection.terminate()

    async def _work(self) -> None:
        try:
            while self._jobs:
                count = min(len(self._jobs), GROUP_LIMIT)
                group = [self._jobs.popleft() for _ in range(count)]
                await self._run_group(group)
                for job in group:
                    job.resolve()
        finally:
            self._worker = None
            for job in self._jobs:
                job.future.cancel()  # only if the loop is being torn down
            self._jobs.clear()

    async def _run_group(self, group: list[Job[T]]) -> None:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._attempt_twice(group)
        except Exception as error:  # noqa: BLE001 - reported to whoever called
            if faults.is_store_failure(error):
                self._drop()
                _fail(group, error)
            elif len(group) == 1:
                _fail(group, error)
            else:
                # One of them cannot be done; alone, it does not fail its neighbours.
                for job in group:
                    await self._run_group([job])

    async def _attempt_twice(self, group: list[Job[T]]) -> None:
        try:
            await self._attempt(group)
        except Exception as error:
            if not faults.is_lost(error):
                raise
            self._drop()
            for job in group:
                job.again = True
            await self._attempt(group)

    async def _attempt(self, group: list[Job[T]]) -> None:
        connection = self._connection
        if connection is None or connection.is_closed():
            connection = self._connection = await self._connector.connect()
        await self._run(connection, group)

    def _drop(self) -> None:
        """Let go of a connection that is not to be trusted, without waiting for its server."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _fail(group: list[Job[T]], error: Exception) -> None:
    for job in group:
        # Each has an error of its own: a traceback belongs to one task.
        job.result = faults.chained(faults.translate(error), error)

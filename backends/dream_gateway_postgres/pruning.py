"""Deletes history in small transactions that nobody has to wait for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dream_gateway.bookkeeping import CLOSED_LEASES_KEPT_US, SETTLE_US, Books
from dream_gateway_postgres.names import all_stored, original
from dream_gateway_postgres.plan import Plan

if TYPE_CHECKING:
    import asyncpg

    from dream_gateway_postgres.lane import Job
    from dream_gateway_postgres.transaction import Transactions

BATCH = 500
"""Rows per transaction at most: their stripes are locked while they go."""

SWEEP_SECONDS = 2.0
"""How long a call may go on deleting; the next one goes on from there."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A wish to delete at most `limit` rows of history older than `before`."""

    before: float
    limit: int


class Pruning:
    """Finds history without locks, and deletes what still is history under them."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._sql = transactions.sql

    async def run(self, connection: asyncpg.Connection, jobs: list[Job[Sweep]]) -> None:
        """Run each sweep. A repeat after a broken connection counts what is left."""
        for job in jobs:
            job.result = await self._sweep(connection, job.call)

    async def _sweep(self, connection: asyncpg.Connection, sweep: Sweep) -> int:
        now_us = await self._settle_overdue(connection, min(BATCH, sweep.limit))
        loop, gone = asyncio.get_running_loop(), 0
        end = loop.time() + SWEEP_SECONDS
        for delete in (self._counters, self._events):
            while gone < sweep.limit and loop.time() < end:
                sought = min(BATCH, sweep.limit - gone)
                deleted, found = await delete(connection, sweep.before, sought)
                gone += deleted
                if found < sought or not deleted:
                    break
        while gone < sweep.limit and loop.time() < end:
            sought = min(BATCH, sweep.limit - gone)
            bound = now_us - CLOSED_LEASES_KEPT_US
            deleted = await self._execute(connection, "prune_leases", bound, sought)
            gone += deleted
            if deleted < sought:
                break
        return gone

    async def _settle_overdue(self, connection: asyncpg.Connection, limit: int) -> int:
        """Count old leases as spent, and date back those from the future; return the clock."""
        async with self._transactions.reading(connection):
            now_us = (await self._transactions.read(connection, Plan())).now_us
            overdue = await self._found(connection, "overdue_buckets", now_us - SETTLE_US, limit)
            future = await self._found(connection, "future_buckets", now_us, limit)
        if overdue:
            plan = Plan()
            plan.rates.update(original(key) for (key,) in overdue)

            def settle(books: Books) -> None:
                for key in plan.rates:
                    books.known_bucket(key)

            await self._transactions.change(connection, plan, settle)
        if future:
            plan = Plan()
            plan.rates.update(original(key) for (key,) in future)
            async with self._transactions.locked(connection, plan.stripes()):
                sought = all_stored(plan.rates)
                await connection.execute(self._sql["restamp_open"], now_us, sought)
        await self._execute(connection, "restamp_closed", now_us, limit)
        return now_us

    async def _counters(
        self, connection: asyncpg.Connection, before: float, limit: int
    ) -> tuple[int, int]:
        """Return how many quotas were deleted, and how many were found."""
        plan = Plan()
        async with self._transactions.reading(connection):
            found = await self._found(connection, "ended_counters", _whole(before), limit)
        plan.quotas.update(original(key) for (key,) in found)
        if not found:
            return 0, 0
        async with self._transactions.locked(connection, plan.stripes()):
            status = await connection.execute(
                self._sql["prune_counters"], _whole(before), all_stored(plan.quotas)
            )
        return _count(status), len(found)

    async def _events(
        self, connection: asyncpg.Connection, before: float, limit: int
    ) -> tuple[int, int]:
        """Return how many events and voids were deleted, and how many were found."""
        plan = Plan()
        async with self._transactions.reading(connection):
            found = await self._found(connection, "old_events", before, limit)
        plan.events.update((original(scope), original(key)) for scope, key in found)
        if not found:
            return 0, 0
        names = [[row[0] for row in found], [row[1] for row in found]]
        async with self._transactions.locked(connection, plan.stripes()):
            status = await connection.execute(self._sql["prune_events"], *names)
        return _count(status), len(found)

    async def _found(self, connection: asyncpg.Connection, name: str, *values: Any) -> list[Any]:
        rows: list[Any] = await connection.fetch(self._sql[name], *values)
        return rows

    async def _execute(self, connection: asyncpg.Connection, name: str, *values: Any) -> int:
        async with self._transactions.locked(connection, []):
            return _count(await connection.execute(self._sql[name], *values))


def _whole(before: float) -> int:
    """Return the instant in whole seconds, as periods end: the first that is not before it."""
    return -int(-before // 1)


def _count(status: str) -> int:
    """Return the number of rows in a command's tag, such as `DELETE 4`."""
    return int(status.rpartition(" ")[2])

"""One transaction for a group of operations: lock, read, decide, write, commit."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from dream_gateway.bookkeeping import SETTLE_US, Books
from dream_gateway_postgres import faults
from dream_gateway_postgres.names import all_stored, stored
from dream_gateway_postgres.rows import FetchedRows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from dream_gateway.bookkeeping import Changes, CounterRow, EventRow
    from dream_gateway_postgres.plan import Plan

LOCK_SPACE = 0x64726D67
"""The first of the two integers of every advisory lock on a stripe."""

ROLLBACK_SECONDS = 1.0

ATTEMPTS = 4
"""How often the rows may turn out to refer to others that were not locked."""


class Transactions:
    """Knows the statements. `now_us` returns the clock to go by, `None` for the server's.

    `pooled`: outside of transactions each message may reach another server.
    """

    def __init__(
        self, sql: dict[str, str], now_us: Callable[[], int | None], *, pooled: bool
    ) -> None:
        self.sql = sql
        self._pooled = pooled
        self._now_us = now_us

    @asynccontextmanager
    async def locked(
        self, connection: asyncpg.Connection, stripes: list[int]
    ) -> AsyncIterator[None]:
        """Begin a transaction that holds the stripes, and commit it; undo it if the body raises.

        What the body reads is newer than the locks: each statement has a snapshot of its own.
        """
        lock = self.sql["lock"].format(space=LOCK_SPACE, stripes=",".join(map(str, stripes)))
        async with _undone(connection):
            await connection.execute(f"{self.sql['begin']};\n{lock}")
            yield
            await connection.execute("COMMIT")

    @asynccontextmanager
    async def reading(self, connection: asyncpg.Connection) -> AsyncIterator[None]:
        """Begin a transaction that sees one moment and locks nothing."""
        async with _undone(connection):
            await connection.execute(self.sql["begin_reading"])
            yield
            await connection.execute("COMMIT")

    async def change(
        self, connection: asyncpg.Connection, plan: Plan, decide: Callable[[Books], None]
    ) -> None:
        """Run a decision on the rows of a plan, and commit what it changed."""
        if plan.closing or plan.voided:
            # What rows refer to never changes, so it may be looked up before the locks are there.
            await self._explore(connection, plan)
        for _ in range(ATTEMPTS):
            async with self.locked(connection, plan.stripes()):
                rows = await self.read(connection, plan)
                is_complete = not rows.follow(plan)
                if is_complete:
                    books = Books(rows, rows.now_us)
                    decide(books)
                    await self.write(connection, books)
            if is_complete:
                return
        raise asyncpg.exceptions.LockNotAvailableError("The rows kept referring to others.")

    async def _explore(self, connection: asyncpg.Connection, plan: Plan) -> None:
        if self._pooled:
            async with self.reading(connection):
                (await self.read(connection, plan)).follow(plan)
        else:
            (await self.read(connection, plan)).follow(plan)

    async def read(self, connection: asyncpg.Connection, plan: Plan) -> FetchedRows:
        """Read all that a plan names, in one statement, and one for events if there are any."""
        found = await connection.fetchrow(
            self.sql["read"],
            self._now_us(), all_stored(plan.quotas), all_stored(plan.rates), all_stored(plan.leases),
            SETTLE_US,
        )  # fmt: skip
        rows = FetchedRows(plan, found["now_us"])
        rows.fill(found)
        if plan.events or plan.voided:
            names = [*_pairs(plan.events), *_pairs(plan.voided)]
            rows.fill_events(await connection.fetch(self.sql["events"], *names))
        return rows

    async def write(self, connection: asyncpg.Connection, books: Books) -> None:
        """Write what the books changed, in one statement, and one for events if there are any."""
        changes = books.changes()
        if changes.leases or changes.counters or changes.buckets:
            await connection.execute(self.sql["write"], *_values(changes, books.now_us))
        if changes.events:
            await connection.execute(self.sql["write_events"], *_event_values(changes.events))


@asynccontextmanager
async def _undone(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Roll back if the body raises. A connection that cannot is closed, which undoes as well."""
    try:
        yield
    except Exception as error:
        if not await _rolled_back(connection, error):
            connection.terminate()
        raise
    except BaseException:
        # Given up in the middle of a statement: waiting for its end may take for ever.
        connection.terminate()
        raise


async def _rolled_back(connection: asyncpg.Connection, error: Exception) -> bool:
    if isinstance(error, (OSError, TimeoutError)) or connection.is_closed():
        return False
    try:
        await connection.execute("ROLLBACK", timeout=ROLLBACK_SECONDS)
    except faults.FAILURES:
        return False
    return True


def _columns(rows: Any, width: int) -> list[list[Any]]:
    """Return rows as columns; as many empty ones if there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def _values(changes: Changes, now_us: int) -> list[Any]:
    closed = [stored(row.id) for row in changes.leases if row.stored]
    opened = [
        (stored(row.id), stored(row.counter), row.kind, row.granted, row.opened_us, row.closed_us)
        for row in changes.leases
        if not row.stored
    ]
    buckets = [
        (
            stored(row.key), row.state.tat_us, row.state.out, row.state.surplus,
            row.rate.limit, row.rate.period_us, row.rate.burst,
        )
        for row in changes.buckets
    ]  # fmt: skip
    return [
        closed,
        now_us,
        *_columns(opened, 6),
        *_columns([_counter(row) for row in changes.counters if not row.stored], 4),
        *_columns([_counter(row) for row in changes.counters if row.stored], 4),
        *_columns(buckets, 7),
    ]


def _counter(row: CounterRow) -> tuple[str, int, int, int | None]:
    return stored(row.key), row.used, row.out, row.period_end


def _event_values(events: list[EventRow]) -> list[list[Any]]:
    new = [
        (
            *all_stored((row.scope, row.key, row.id, row.fingerprint, row.subject)),
            None if row.voids is None else stored(row.voids),
            row.cost, row.voided, row.at, json.dumps(row.charges), json.dumps(row.tallies),
        )
        for row in events
        if not row.stored
    ]  # fmt: skip
    voided = [(stored(row.scope), stored(row.key), row.voided) for row in events if row.stored]
    return [*_columns(new, 11), *_columns(voided, 3)]


def _pairs(names: set[tuple[str, str]]) -> list[list[str]]:
    return _columns([all_stored(name) for name in names], 2)

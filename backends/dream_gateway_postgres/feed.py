"""The change feed: a notification wakes, and the records' table `changes` tells.

Notifications only save the next poll, so that one that is lost, or a pooler that passes none on,
costs a moment and no change.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from dream_gateway.errors import StoreUnavailableError
from dream_gateway.storage import Change, Subject
from dream_gateway_postgres import faults
from dream_gateway_postgres.statements import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence

    import asyncpg

    from dream_gateway.clock import Clock
    from dream_gateway_postgres.connector import Connector

T = TypeVar("T")

CHANNEL = "dream_gateway_changes"
"""Where the trigger on `changes` notifies."""

SIGN_OF_LIFE_SECONDS = 0.4
POLL_SECONDS = 0.2
"""How often to look where no notification can come."""

ANSWER_SECONDS = 2.0
"""How long the database may take to answer before the feed is lost."""

BATCH_LIMIT = 1000
CHANGES_KEPT_SECONDS = 3600.0
PRUNE_EVERY_SECONDS = 600.0

EVERYTHING = Change(Subject.ALL, "")


class PostgresFeed:
    """Follows the records of one database, whoever writes them."""

    def __init__(self, connector: Connector, clock: Clock) -> None:
        self._connector = connector
        self._clock = clock
        self._sql = load("feed.sql")
        self._wakers: set[asyncio.Event] = set()
        self._closed = False

    async def publish(self, changes: Sequence[Change]) -> None:
        """Wake this process's followers; the changes themselves are in the table already."""
        if changes:
            self._wake()

    def close(self) -> None:
        """End every `follow` with `StoreUnavailableError`."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        for waker in self._wakers:
            waker.set()

    async def follow(self) -> AsyncIterator[Sequence[Change]]:
        """Yield changes made after the first step; an empty batch when there are none."""
        waker = asyncio.Event()
        tail = Tail(self._connector, self._sql, self._clock)
        pause = POLL_SECONDS if self._connector.address.pooled else SIGN_OF_LIFE_SECONDS
        self._wakers.add(waker)
        try:
            await self._ask(tail.open(waker))
            yield ()
            while True:
                if not tail.has_more:
                    await _pause(waker, pause)
                yield await self._ask(tail.read())
        finally:
            self._wakers.discard(waker)
            tail.close()

    async def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await question
        except faults.FAILURES as error:
            raise faults.translate(error) from error
        if self._closed:
            raise StoreUnavailableError("The store is closed.")
        return answer


async def _pause(waker: asyncio.Event, seconds: float) -> None:
    """Wait for the next sign of life, or for somebody who knows of a change."""
    try:
        async with asyncio.timeout(seconds):
            await waker.wait()
    except TimeoutError:
        return
    waker.clear()


class Tail:
    """One follower's connection, and its position in the table."""

    def __init__(self, connector: Connector, sql: dict[str, str], clock: Clock) -> None:
        self._connector = connector
        self._sql = sql
        self._clock = clock
        self._connection: asyncpg.Connection | None = None
        self._exists = False
        self._position = 0
        self._pruned_at = clock.monotonic()
        self.has_more = False

    async def open(self, waker: asyncio.Event) -> None:
        """Connect, listen, and stand behind the newest change there is."""
        connection = self._connection = await self._connector.connect()
        if not self._connector.address.pooled:
            await connection.add_listener(CHANNEL, lambda *_: waker.set())
            connection.add_termination_listener(lambda _: waker.set())
        async with connection.transaction():
            self._position = (await self._ends(connection))[1]

    def close(self) -> None:
        """Let go of the connection at once."""
        if self._connection is not None:
            self._connection.terminate()

    async def read(self) -> list[Change]:
        """Return the changes since the last call."""
        connection = self._connection
        if connection is None:
            raise StoreUnavailableError("The store is closed.")
        # A transaction, so that a pooler does not take the connection away between two messages.
        async with connection.transaction():
            changes = await self._advance(connection)
            await self._prune_sometimes(connection)
        return changes

    async def _advance(self, connection: asyncpg.Connection) -> list[Change]:
        oldest, newest = await self._ends(connection)
        self.has_more = False
        if newest < self._position or (newest > self._position and oldest > self._position + 1):
            # Another database, or changes were pruned that were never read here.
            self._position = newest
            return [EVERYTHING]
        if newest == self._position:
            return []
        rows = await connection.fetch(self._sql["after"], self._position, BATCH_LIMIT)
        self._position = rows[-1]["seq"] if rows else self._position
        self.has_more = len(rows) == BATCH_LIMIT
        return [Change(_subject(row["subject"]), row["ref"]) for row in rows]

    async def _ends(self, connection: asyncpg.Connection) -> tuple[int, int]:
        """Return the oldest and the newest position; zeros if there is no table, or no row."""
        if not self._exists:
            self._exists = bool(await connection.fetchval(self._sql["exists"]))
        if not self._exists:
            return 0, 0
        row = await connection.fetchrow(self._sql["ends"])
        return row["oldest"] or 0, row["newest"] or 0

    async def _prune_sometimes(self, connection: asyncpg.Connection) -> None:
        now = self._clock.monotonic()
        if self._exists and now - self._pruned_at >= PRUNE_EVERY_SECONDS:
            self._pruned_at = now
            before = self._clock.now() - CHANGES_KEPT_SECONDS
            await connection.execute(self._sql["prune"], before)


def _subject(name: str) -> Subject:
    """Return the subject; one that a newer version wrote means: anything."""
    try:
        return Subject(name)
    except ValueError:
        return Subject.ALL

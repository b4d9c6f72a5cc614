"""The change feed: tails the records' table `changes`, in a thread of its own for each follower."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from dream_gateway.errors import StoreUnavailableError
from dream_gateway.storage import Change, Subject
from dream_gateway_sqlite import faults
from dream_gateway_sqlite.statements import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from dream_gateway.clock import Clock

T = TypeVar("T")

POLL_SECONDS = 0.1
BATCH_LIMIT = 1000
CHANGES_KEPT_SECONDS = 3600.0
PRUNE_EVERY_SECONDS = 600.0

EVERYTHING = Change(Subject.ALL, "")


class SqliteFeed:
    """Follows the records of one file, whoever writes them. `publish` only saves the next poll."""

    def __init__(self, connect: Callable[[bool], sqlite3.Connection], clock: Clock) -> None:
        self._connect = connect
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
        loop = asyncio.get_running_loop()
        waker = asyncio.Event()
        executor = ThreadPoolExecutor(1, thread_name_prefix="dream-gateway-feed")
        tail = Tail(self._connect, self._sql, self._clock)
        self._wakers.add(waker)
        try:
            await self._ask(loop.run_in_executor(executor, tail.open))
            yield ()
            while True:
                await _pause(waker)
                yield await self._ask(loop.run_in_executor(executor, tail.read))
        finally:
            self._wakers.discard(waker)
            executor.submit(tail.close)
            executor.shutdown(wait=False)

    async def _ask(self, answer: asyncio.Future[T]) -> T:
        if self._closed:
            raise StoreUnavailableError("The store is closed.")
        try:
            return await answer
        except sqlite3.Error as error:
            raise faults.translate(error) from error


async def _pause(waker: asyncio.Event) -> None:
    """Wait for the next poll, or for somebody who knows of a change."""
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await waker.wait()
    except TimeoutError:
        return
    waker.clear()


class Tail:
    """One follower's position in the table; used by one thread."""

    def __init__(
        self,
        connect: Callable[[bool], sqlite3.Connection],
        sql: dict[str, str],
        clock: Clock,
    ) -> None:
        self._connect = connect
        self._sql = sql
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._version = -1
        self._position = 0
        self._pruned_at = clock.monotonic()

    def open(self) -> None:
        """Connect, and stand behind the newest change there is."""
        self._connection = connection = self._connect(False)
        self._version = self._data_version(connection)
        self._position = self._ends(connection)[1]

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()

    def read(self) -> list[Change]:
        """Return the changes since the last call."""
        if self._connection is None:
            raise StoreUnavailableError("The store is closed.")
        connection = self._connection
        self._prune_sometimes(connection)
        version = self._data_version(connection)
        if version == self._version:
            return []
        # The version read before the rows: a write in between is seen again, never missed.
        changes = self._advance(connection)
        if len(changes) < BATCH_LIMIT:
            self._version = version
        return changes

    def _advance(self, connection: sqlite3.Connection) -> list[Change]:
        oldest, newest = self._ends(connection)
        if newest < self._position or (newest > self._position and oldest > self._position + 1):
            # Another file, or changes were pruned that were never read here.
            self._position = newest
            return [EVERYTHING]
        if newest == self._position:
            return []
        sought = (self._position, BATCH_LIMIT)
        rows = connection.execute(self._sql["after"], sought).fetchall()
        self._position = rows[-1][0] if rows else self._position
        return [Change(_subject(subject), ref) for _, subject, ref in rows]

    def _data_version(self, connection: sqlite3.Connection) -> int:
        return int(connection.execute(self._sql["data_version"]).fetchone()[0])

    def _ends(self, connection: sqlite3.Connection) -> tuple[int, int]:
        """Return the oldest and the newest position; zeros if there is no table, or no row."""
        if connection.execute(self._sql["exists"]).fetchone() is None:
            return 0, 0
        oldest, newest = connection.execute(self._sql["ends"]).fetchone()
        return oldest or 0, newest or 0

    def _prune_sometimes(self, connection: sqlite3.Connection) -> None:
        now = self._clock.monotonic()
        if now - self._pruned_at < PRUNE_EVERY_SECONDS:
            return
        self._pruned_at = now
        if connection.execute(self._sql["exists"]).fetchone() is None:
            return
        try:
            connection.execute(self._sql["prune"], (self._clock.now() - CHANGES_KEPT_SECONDS,))
        except sqlite3.OperationalError as error:
            if faults.primary_code(error) not in faults.BUSY:
                raise


def _subject(name: str) -> Subject:
    """Return the subject; one that a newer version wrote means: anything."""
    try:
        return Subject(name)
    except ValueError:
        return Subject.ALL

"""One thread, one connection, group commit: what queues while it works is the next transaction."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from dream_gateway.errors import GatewayError, InvalidRequestError, StoreUnavailableError
from dream_gateway_sqlite import faults

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LOCK_DEADLINE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.0002
LONGEST_PAUSE_SECONDS = 0.005
SWITCH_SECONDS = 0.0005
GROUP_LIMIT = 4096
"""Operations per transaction at most, so that the first of them does not wait for ever."""


class Job:
    """An operation on its way: what to run, and whom to tell."""

    __slots__ = ("future", "hint", "result", "run")

    def __init__(
        self, run: Callable[[Any], Any], future: asyncio.Future[Any], hint: object = None
    ) -> None:
        self.run = run
        self.hint = hint
        self.future = future
        self.result: Any = None

    def resolve(self) -> None:
        """Hand over the outcome, on the loop of whoever waits."""
        if self.future.done():
            return
        if isinstance(self.result, BaseException):
            self.future.set_exception(self.result)
        else:
            self.future.set_result(self.result)


class Writer:
    """Runs operations on a session in a thread, everything queued in one transaction.

    `connect(first)` returns a connection in autocommit mode; `prepare` runs once on the first
    of them. `session(connection)` makes what a group's operations work on; its `prefetch(hints)`
    reads what they say they need, and its `flush()` writes what they changed. `refusal(error)`
    returns what `start` raises for an error of SQLite's.
    """

    def __init__(
        self,
        connect: Callable[[bool], sqlite3.Connection],
        prepare: Callable[[sqlite3.Connection], None],
        session: Callable[[sqlite3.Connection], Any],
        refusal: Callable[[sqlite3.Error], GatewayError],
    ) -> None:
        self._connect = connect
        self._prepare = prepare
        self._session = session
        self._refusal = refusal
        self._jobs: deque[Job] = deque()
        self._wake = threading.Condition(threading.Lock())
        self._open = False
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None

    async def start(self) -> None:
        """Open the database in the thread; raises what opening it met."""
        if self._thread is not None:
            return
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        self._thread = threading.Thread(
            target=self._main, args=(opened,), name="dream-gateway-ledger", daemon=True
        )
        self._open = True
        # A busy event loop lets go of the interpreter's lock often and only for an instant, which
        # by default keeps this thread from it for seconds on end.
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_SECONDS))
        self._thread.start()
        try:
            await opened
        except BaseException:
            self._open = False
            self._thread = None
            raise

    async def close(self) -> None:
        """Finish what is queued, and end the thread. Safe to call twice."""
        thread, self._thread = self._thread, None
        with self._wake:
            self._open = False
            self._wake.notify()
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, thread.join)

    def submit(self, run: Callable[[Any], T], hint: object = None) -> asyncio.Future[T]:
        """Queue an operation; the future resolves once it is committed. Never blocks."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._wake:
            if not self._open:
                raise StoreUnavailableError("The store is closed.")
            self._jobs.append(Job(run, future, hint))
            self._wake.notify()
        return future

    def _main(self, opened: asyncio.Future[None]) -> None:
        job = Job(lambda _: None, opened)
        try:
            connection = self._connection = _when_unlocked(lambda: self._connect(True))
            _when_unlocked(lambda: self._prepare(connection))
        except sqlite3.Error as error:
            job.result = _chained(self._refusal(error), error)
        except GatewayError as error:
            job.result = error
        _deliver([job])
        if job.result is None:
            self._serve()
        self._disconnect()

    def _serve(self) -> None:
        while group := self._next_group():
            self._run_group(group)
            _deliver(group)

    def _next_group(self) -> list[Job]:
        with self._wake:
            while not self._jobs and self._open:
                self._wake.wait()
            count = min(len(self._jobs), GROUP_LIMIT)
            return [self._jobs.popleft() for _ in range(count)]

    def _run_group(self, group: list[Job]) -> None:
        try:
            self._transact(group)
        except sqlite3.Error as error:
            if faults.is_store_failure(error):
                self._fail(group, error)
            else:
                self._run_apart(group, error)
        except Exception as error:  # noqa: BLE001 - an operation's own fault; reported to its caller
            self._run_apart(group, error)

    def _run_apart(self, group: list[Job], error: Exception) -> None:
        """Run each alone after one of them failed, so that it does not fail its neighbours."""
        if len(group) > 1:
            for job in group:
                self._run_group([job])
        else:
            group[0].result = _blame(error)

    def _fail(self, group: list[Job], error: sqlite3.Error) -> None:
        if faults.primary_code(error) in faults.STALE:
            self._disconnect()
        for job in group:
            job.result = _chained(faults.translate(error), error)

    def _transact(self, group: list[Job]) -> None:
        connection = self._connection
        if connection is None:
            connection = self._connection = _when_unlocked(lambda: self._connect(False))
        _when_unlocked(lambda: connection.execute("BEGIN IMMEDIATE"))
        try:
            session = self._session(connection)
            session.prefetch([job.hint for job in group if job.hint is not None])
            for job in group:
                job.result = job.run(session)
            session.flush()
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error:
                return  # what was not committed is gone either way


def _when_unlocked(action: Callable[[], T]) -> T:
    """Run what needs the write lock, again and again until the deadline.

    In short steps of our own: SQLite's busy handler makes waits of half a second.
    """
    deadline = time.monotonic() + LOCK_DEADLINE_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if faults.primary_code(error) not in faults.BUSY or time.monotonic() >= deadline:
                raise
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            return  # SQLite rolled back by itself, or the connection is about to be dropped


def _blame(error: Exception) -> BaseException:
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, sqlite3.OperationalError):
        return _chained(faults.translate(error), error)
    if isinstance(error, (OverflowError, UnicodeError, sqlite3.Error)):
        return _chained(InvalidRequestError("A number or a text in it cannot be stored."), error)
    return error


def _chained(error: BaseException, cause: BaseException) -> BaseException:
    """Return `error` as `raise ... from cause` would leave it, for a future to raise."""
    error.__cause__ = cause
    return error


def _deliver(jobs: list[Job]) -> None:
    """Resolve futures with one call per loop, not one per future."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, batch in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, batch)
        except RuntimeError:
            continue  # that loop is closed, so nobody waits any more


def _resolve(jobs: list[Job]) -> None:
    for job in jobs:
        job.resolve()

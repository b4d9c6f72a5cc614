from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing
from itertools import count
from typing import TYPE_CHECKING

import pytest

from dream_gateway.testing import FakeClock, FeedContract, LedgerContract, Shared
from dream_gateway_sqlite import open_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Change, ChangeFeed, Ledger

CHANGES = """
CREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT, ref TEXT, at FLOAT)
"""


class TestLedger(LedgerContract):
    @pytest.fixture
    def open_ledger(self, tmp_path: Path) -> Callable[[Clock], AbstractAsyncContextManager[Ledger]]:
        numbers = count()

        @asynccontextmanager
        async def open_one(clock: Clock) -> AsyncIterator[Ledger]:
            path = tmp_path / f"{next(numbers)}.db"
            backend = open_backend(f"sqlite:///{path}", clock)
            await backend.start()
            yield backend.ledger()
            await backend.close()
            path.unlink()

        return open_one

    @pytest.fixture
    def shared(self, tmp_path: Path) -> Shared | None:
        return Shared("dream_gateway_sqlite:open_backend", f"sqlite:///{tmp_path}/shared.db")


class TestFeed(FeedContract):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "feed.db"

    @pytest.fixture
    async def feed(self, path: Path) -> AsyncIterator[ChangeFeed]:
        backend = open_backend(f"sqlite:///{path}", FakeClock())
        await backend.start()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(CHANGES)
        yield backend.feed()
        await backend.close()

    @pytest.fixture
    def change(self, path: Path, feed: ChangeFeed) -> Callable[[Sequence[Change]], Awaitable[None]]:
        def write(changes: Sequence[Change]) -> None:
            rows = [(item.subject.value, item.ref) for item in changes]
            with closing(sqlite3.connect(path)) as connection, connection:
                sql = "INSERT INTO changes (subject, ref, at) VALUES (?, ?, 0)"
                connection.executemany(sql, rows)

        async def commit(changes: Sequence[Change]) -> None:
            # No `publish`: another process's writes must be seen as well.
            await asyncio.to_thread(write, changes)

        return commit

"""Opens a store in memory, and the records' database in it."""

from __future__ import annotations

import secrets
import sqlite3
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from dream_gateway.errors import ConfigurationError
from dream_gateway.memory.feed import MemoryFeed
from dream_gateway.memory.kv import MemoryKeyValue
from dream_gateway.memory.ledger import MemoryLedger
from dream_gateway.storage import Role

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Backend, ChangeFeed, KeyValue, Ledger


def open_backend(url: str, clock: Clock) -> Backend:
    """Return a backend for `memory://`, empty, for this process alone."""
    if url != "memory://":
        raise ConfigurationError("The URL of a store in memory is memory:// and nothing more.")
    return MemoryBackend(clock)


class MemoryBackend:
    """A store for one process: for tests, trials, and gateways that may forget."""

    def __init__(self, clock: Clock) -> None:
        self.roles = frozenset(Role)
        self.durability = "Nothing survives the end of the process."
        self.shareable = False
        self.persistent = False
        self._ledger = MemoryLedger(clock)
        self._kv = MemoryKeyValue(clock)
        self._feed = MemoryFeed()
        self._engine: AsyncEngine | None = None
        self._anchor: sqlite3.Connection | None = None

    async def start(self) -> None:
        """Do nothing: there is nothing to open."""

    async def close(self) -> None:
        """End the followers and forget the records."""
        self._feed.close()
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()
        anchor, self._anchor = self._anchor, None
        if anchor is not None:
            anchor.close()

    def records_engine(self) -> AsyncEngine:
        """Return the engine of an SQLite database in memory, the same one each time."""
        if self._engine is None:
            name = f"file:dream-{secrets.token_hex(8)}?mode=memory&cache=shared"
            # A cancelled task costs its connection; this one keeps the database alive then.
            self._anchor = sqlite3.connect(name, uri=True, check_same_thread=False)
            self._engine = _open_engine(name)
        return self._engine

    def ledger(self) -> Ledger:
        """Return the ledger."""
        return self._ledger

    def kv(self) -> KeyValue:
        """Return the cache."""
        return self._kv

    def feed(self) -> ChangeFeed:
        """Return the change feed."""
        return self._feed

    def journal_dir(self) -> str | None:
        """Return `None`: leases do not outlive the process either."""
        return None


def _open_engine(name: str) -> AsyncEngine:
    """Return an engine with one connection, so that transactions queue instead of colliding."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{name}&uri=true",
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
    )
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, late and only before some statements.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN")

"""The SQLAlchemy engine of the records, with real transactions.

The standard driver begins transactions by itself, late and only before some statements. Here it is
told not to, and SQLAlchemy's own begin is passed on: as `BEGIN IMMEDIATE`, because a transaction
that starts as a reader and then writes fails at once when somebody else wrote meanwhile. With the
execution option `read_only=True` it is a plain `BEGIN`, which waits for nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

BUSY_TIMEOUT_MS = 5000


def open_engine(path: str, synchronous: str) -> AsyncEngine:
    """Return an engine on the file; nothing is opened before its first use."""
    engine = create_async_engine(URL.create("sqlite+aiosqlite", database=path))
    pragmas = (
        f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
        "PRAGMA journal_mode = WAL",
        f"PRAGMA synchronous = {synchronous}",
        "PRAGMA foreign_keys = ON",
    )

    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN" if options.get("read_only") else "BEGIN IMMEDIATE")

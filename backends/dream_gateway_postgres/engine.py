"""The SQLAlchemy engine of the records, whose transactions do not collide.

The records are written seldom, and by code that first looks and then writes. So one write
transaction runs at a time, over all nodes, as in SQLite: each begins with an advisory lock. With
the execution option `read_only=True` a transaction sees one moment and waits for nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from dream_gateway_postgres import faults

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from dream_gateway_postgres.connector import Connector

WRITERS = "SELECT pg_advisory_xact_lock(1685220711, 1)"
READERS = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
POOL_SECONDS = 5.0
"""How long to wait for a free connection."""


def open_engine(connector: Connector) -> AsyncEngine:
    """Return an engine; nothing is opened before its first use."""
    address = connector.address

    async def connect() -> Any:
        try:
            return await connector.connect()
        except (*faults.FAILURES, ValueError) as error:
            raise faults.translate(error) from error

    options: dict[str, Any] = {}
    if address.pooled:
        options = {
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": _unnamed,
        }
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        connect_args=options,
        pool_size=address.pool,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
    )
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _unnamed() -> str:
    """Return the name of the statement that leaves nothing behind on a server."""
    return ""


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql(READERS if options.get("read_only") else WRITERS)

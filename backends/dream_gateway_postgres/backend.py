"""Opens a PostgreSQL database as a store: its address, its tables, and the roles it offers."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING

from dream_gateway.bookkeeping import MICROSECONDS
from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError, SchemaTooNewError
from dream_gateway.storage import Role
from dream_gateway_postgres import faults
from dream_gateway_postgres.address import parse
from dream_gateway_postgres.connector import Connector
from dream_gateway_postgres.engine import open_engine
from dream_gateway_postgres.feed import PostgresFeed
from dream_gateway_postgres.ledger import PostgresLedger
from dream_gateway_postgres.statements import load
from dream_gateway_postgres.transaction import Transactions

if TYPE_CHECKING:
    import asyncpg
    from sqlalchemy.ext.asyncio import AsyncEngine

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Backend, ChangeFeed, KeyValue, Ledger

SCHEMA_VERSION = 1
IDENTITY_BYTES = 16
START_SECONDS = 30.0
"""How long creating the tables may take, others who create them included."""

CREATION = "SELECT pg_advisory_xact_lock(1685220711, 2)"

UNKNOWN = "As durable as the PostgreSQL server is set to be."
DURABLE = (
    "Neither a crash of the process nor a power loss of the database's machine loses anything."
)
DELAYED = (
    "A crash of the process loses nothing; one of the database the last moments, "
    "because its synchronous_commit is off."
)
FRAGILE = (
    "A crash of the process loses nothing; one of the database's machine may lose all of it, "
    "because its fsync is off."
)

logger = logging.getLogger(__name__)


def open_backend(url: str, clock: Clock) -> Backend:
    """Return a backend for `postgresql://user:password@host:port/database`. Opens nothing yet.

    The URL is libpq's, with `?pooler=transaction` behind a pooler that gives each transaction
    another connection, and `?pool=N`, the most connections for the records.
    """
    return PostgresBackend(Connector(parse(url)), clock)


class PostgresBackend:
    """One database, shared by many nodes."""

    roles = frozenset({Role.RECORDS, Role.LEDGER, Role.FEED})
    shareable = True
    persistent = True

    def __init__(self, connector: Connector, clock: Clock) -> None:
        self.durability = UNKNOWN
        self._connector = connector
        self._clock = clock
        self._sql = load("ledger.sql")
        self._schema = load("schema.sql")
        transactions = Transactions(self._sql, self._now_us, pooled=connector.address.pooled)
        self._ledger = PostgresLedger(connector, transactions)
        self._feed = PostgresFeed(connector, clock)
        self._engine: AsyncEngine | None = None

    async def start(self) -> None:
        """Connect, create the ledger's tables if they are missing, and read how durable it is."""
        connection = await self._connector.connect_at_start()
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._prepare(connection)
        except faults.FAILURES as error:
            raise faults.translate(error, starting=True) from error
        finally:
            connection.terminate()

    async def close(self) -> None:
        """Commit what is queued, end the followers, and close every connection."""
        self._feed.close()
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()
        await self._ledger.close()

    def records_engine(self) -> AsyncEngine:
        """Return the engine of the records, the same one each time."""
        if self._engine is None:
            self._engine = open_engine(self._connector)
        return self._engine

    def ledger(self) -> Ledger:
        """Return the ledger."""
        return self._ledger

    def kv(self) -> KeyValue:
        """Raise: a database is no cache."""
        raise ConfigurationError("The PostgreSQL store offers no shared cache.")

    def feed(self) -> ChangeFeed:
        """Return the change feed."""
        return self._feed

    def journal_dir(self) -> str | None:
        """Return `None`: journals are this machine's, and the gateway has a folder for them.

        They carry the ledger's identity, so that those of several stores can lie together.
        """
        return None

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        """Create what is missing, in one transaction, so that many may start at once."""
        async with connection.transaction():
            await connection.execute(CREATION)
            if not await connection.fetchval(self._sql["created"]):
                for statement in self._schema.values():
                    await connection.execute(statement)
                name = secrets.token_hex(IDENTITY_BYTES)
                await connection.execute(self._sql["found"], name, SCHEMA_VERSION)
            self._ledger.name, version = await connection.fetchrow(self._sql["identity"])
            if version > SCHEMA_VERSION:
                raise SchemaTooNewError("The ledger belongs to a newer version of the gateway.")
            self._judge(*await connection.fetchrow(self._sql["settings"]))

    def _judge(self, synchronous_commit: str, fsync: str) -> None:
        """Say what a crash can lose."""
        if fsync == "off":
            self.durability = FRAGILE
        else:
            self.durability = DELAYED if synchronous_commit == "off" else DURABLE
        if self.durability != DURABLE:
            logger.warning("%s", self.durability)

    def _now_us(self) -> int | None:
        """Return the ledger's clock: `None`, the server's, unless a test has its own."""
        if isinstance(self._clock, SystemClock):
            return None
        return int(self._clock.monotonic() * MICROSECONDS)

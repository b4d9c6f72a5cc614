"""Opens an SQLite file as a store: its URL, its connections, and the roles it offers."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from dream_gateway.bookkeeping import MICROSECONDS
from dream_gateway.errors import ConfigurationError, SchemaTooNewError
from dream_gateway.storage import Role
from dream_gateway_sqlite.engine import open_engine
from dream_gateway_sqlite.feed import SqliteFeed
from dream_gateway_sqlite.ledger import SqliteLedger
from dream_gateway_sqlite.place import make, refusal
from dream_gateway_sqlite.session import Session
from dream_gateway_sqlite.snapshot import copy_file, put_into_one
from dream_gateway_sqlite.statements import load
from dream_gateway_sqlite.writer import Writer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Backend, ChangeFeed, KeyValue, Ledger

SCHEMA_VERSION = 1
IDENTITY_BYTES = 16
SYNCHRONOUS = {"process": "NORMAL", "power": "FULL"}
"""How far SQLite waits for the disk, by what the store is to survive."""

PROMISES = {
    "process": "A crash of the process loses nothing; one of the machine the last moments.",
    "power": "Neither a crash of the process nor a power loss loses anything that was answered.",
}


def open_backend(url: str, clock: Clock) -> Backend:
    """Return a backend for `sqlite:///file.db` or `sqlite:////absolute/file.db`.

    A relative path is relative to the working directory. `?durability=process` (the default)
    survives a crash of the process, `?durability=power` a power loss too. Opens nothing yet.
    """
    path, durability = _parse(url)
    return SqliteBackend(path, durability, clock)


def _parse(url: str) -> tuple[Path, str]:
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
    except ValueError as error:
        raise ConfigurationError("The SQLite URL cannot be read.") from error
    name = unquote(parts.path[1:])
    if parts.scheme != "sqlite" or parts.netloc or parts.fragment or not name.strip("/"):
        raise ConfigurationError(
            "An SQLite URL is sqlite:///file.db or sqlite:////absolute/file.db."
        )
    if name == ":memory:":
        raise ConfigurationError("For a store in memory use memory:// instead.")
    if "\x00" in name:
        raise ConfigurationError("The path of the SQLite URL cannot be a file name.")
    durability = options.pop("durability", "process")
    if options:
        raise ConfigurationError("The only option of an SQLite URL is durability.")
    if durability not in SYNCHRONOUS:
        raise ConfigurationError("The durability of an SQLite URL is process or power.")
    return Path(name).absolute(), durability


class SqliteBackend:
    """One file, shared by the processes of one machine."""

    roles = frozenset({Role.RECORDS, Role.LEDGER, Role.FEED})
    shareable = True
    persistent = True

    def __init__(self, path: Path, durability: str, clock: Clock) -> None:
        self.durability = PROMISES[durability]
        self.file = self._path = path
        self._synchronous = SYNCHRONOUS[durability]
        self._clock = clock
        self._sql = load("ledger.sql")
        self._schema = load("schema.sql")
        self._writer = Writer(self._connect, self._prepare, self._session, partial(refusal, path))
        self._ledger = SqliteLedger(self._writer)
        self._feed = SqliteFeed(self._connect, clock)
        self._engine: AsyncEngine | None = None

    async def start(self) -> None:
        """Open the file and create the ledger's tables; the file's folder must exist."""
        await self._writer.start()

    async def close(self) -> None:
        """Commit what is queued, end the followers, and close every connection."""
        self._feed.close()
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()
        await self._writer.close()

    def records_engine(self) -> AsyncEngine:
        """Return the engine of the records, the same one each time."""
        if self._engine is None:
            self._engine = open_engine(str(self._path), self._synchronous)
        return self._engine

    def ledger(self) -> Ledger:
        """Return the ledger."""
        return self._ledger

    def kv(self) -> KeyValue:
        """Raise: a file is no cache."""
        raise ConfigurationError("The SQLite store offers no shared cache.")

    def feed(self) -> ChangeFeed:
        """Return the change feed."""
        return self._feed

    def journal_dir(self) -> str | None:
        """Return the folder beside the file."""
        return f"{self._path}.journal"

    def copy_to(self, target: Path) -> None:
        """Write what is committed at one moment into a new file. Blocks; writers go on.

        Raises `StoreCorruptError` if the file is no database.
        """
        copy_file(self._path, target)

    def open_leases(self) -> list[tuple[str, str]]:
        """Return the id and the counter of every lease that is out. Blocks."""
        with closing(self._connect(create=False)) as connection:
            return connection.execute(self._sql["open_leases"]).fetchall()

    def tidy(self) -> None:
        """Have rates begin anew, and all be in the one file, found whole. Blocks.

        Raises `StoreCorruptError` and `StoreUnavailableError`.
        """
        try:
            with closing(self._connect(create=False)) as connection:
                connection.execute(self._sql["forget_buckets"])
                put_into_one(connection)
        except sqlite3.Error as exc:
            raise refusal(self._path, exc) from exc

    def _connect(self, create: bool) -> sqlite3.Connection:
        """Open the file; only at start may that make it, so that a lost file is noticed."""
        if create:
            make(self._path)
        mode = "rwc" if create else "rw"
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode={mode}", uri=True, isolation_level=None, timeout=0
        )
        try:
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Create what is missing, in one transaction, so that many may start at once."""
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in self._schema.values():
                connection.execute(statement)
            name = secrets.token_hex(IDENTITY_BYTES)
            connection.execute(self._sql["found"], (name, SCHEMA_VERSION))
            _, version = connection.execute(self._sql["identity"]).fetchone()
            if version > SCHEMA_VERSION:
                raise SchemaTooNewError("The ledger belongs to a newer version of the gateway.")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _session(self, connection: sqlite3.Connection) -> Session:
        now_us = int(self._clock.monotonic() * MICROSECONDS)
        return Session(connection, self._sql, now_us)

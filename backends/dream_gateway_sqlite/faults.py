"""The one place where SQLite's errors become the gateway's."""

from __future__ import annotations

import sqlite3

from dream_gateway.errors import GatewayError, StoreCorruptError, StoreUnavailableError

PRIMARY = 0xFF
"""The low byte of an extended result code is its primary code."""

DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
STALE = DAMAGED | {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
"""After these the connection is not worth keeping."""

OF_THE_DISK = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY})
"""These are of the file that is written."""

OF_THE_PLACE = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})
"""These may be the fault of the file's path or permissions."""

DETAILS = {
    sqlite3.SQLITE_BUSY: "The database is locked by another program.",
    sqlite3.SQLITE_LOCKED: "The database is locked by another program.",
    sqlite3.SQLITE_FULL: "The disk that holds the database is full.",
    sqlite3.SQLITE_READONLY: "The database cannot be written: it is read-only.",
    sqlite3.SQLITE_PERM: "The database cannot be written: permission is denied.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened.",
    sqlite3.SQLITE_IOERR: "The disk that holds the database failed.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged.",
    sqlite3.SQLITE_NOTADB: "The file is not a database.",
}


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; `SQLITE_ERROR` if the driver raised by itself."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & PRIMARY


def is_store_failure(error: sqlite3.Error) -> bool:
    """Return whether the store failed, rather than the data it was given."""
    return primary_code(error) in DETAILS


def translate(error: sqlite3.Error, *, starting: bool = False) -> GatewayError:
    """Return the gateway's error for SQLite's; the caller raises it `from` the original."""
    code = primary_code(error)
    detail = DETAILS.get(code, "The database refused the operation.")
    if starting and code in DAMAGED:
        return StoreCorruptError(detail)
    return StoreUnavailableError(detail)

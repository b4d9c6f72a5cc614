"""Copies of the file while others write to it, by SQLite's online backup."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from dream_gateway.errors import StoreCorruptError, StoreUnavailableError
from dream_gateway_sqlite import faults

if TYPE_CHECKING:
    from pathlib import Path

    from dream_gateway.errors import GatewayError

PATIENCE_SECONDS = 30.0


def copy_file(source: Path, target: Path) -> None:
    """Write what is committed at one moment into a new file that only this user can read.

    The copy is made in one step: it is one read of the source, for which no writer waits.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    url = f"file:{quote(str(source))}?mode=rw"
    try:
        with (
            closing(sqlite3.connect(url, uri=True, timeout=PATIENCE_SECONDS)) as one,
            closing(sqlite3.connect(target)) as other,
        ):
            one.backup(other)
    except sqlite3.Error as exc:
        raise _fault(source, target, exc) from exc


def _fault(source: Path, target: Path, error: sqlite3.Error) -> GatewayError:
    """Return the error of a copy that failed, which names the file that is to blame."""
    code, said = faults.primary_code(error), faults.translate(error).detail
    if code in faults.DAMAGED:
        return StoreCorruptError(f"{source} cannot be copied: {error}.")
    if code in faults.OF_THE_DISK:
        return StoreUnavailableError(f"{target} cannot be written: {said}")
    return StoreUnavailableError(f"{source} cannot be copied: {said}")


def put_into_one(connection: sqlite3.Connection) -> None:
    """Have all be in the database's one file, on the disk, and look whether it is whole."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA journal_mode = DELETE")
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise StoreCorruptError(f"The copy is damaged: {found}.")

"""Where the file lies: made for this user alone, and why it cannot be opened there."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from dream_gateway_sqlite import faults

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from dream_gateway.errors import GatewayError


def make(path: Path) -> None:
    """Make an empty file that only this user can read, unless something is there.

    SQLite gives its log and its index the permissions of the file. What is wrong with the place is
    told when the file is opened.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def refusal(path: Path, error: sqlite3.Error) -> GatewayError:
    """Return the error of a start, which names the file and, where it can be seen, the cause.

    For operators: what a request meets while the gateway runs names no path.
    """
    found = faults.translate(error, starting=True)
    cause = _cause(path) if faults.primary_code(error) in faults.OF_THE_PLACE else None
    named = f"{path}: {cause}" if cause else str(path)
    return type(found)(f"{found.detail.removesuffix('.')}: {named}.")


def _cause(path: Path) -> str | None:
    """Return what is wrong with a place, the outermost first; `None` if it looks well."""
    folder = path.parent
    causes = (
        (not os.path.lexists(folder), "its folder does not exist"),
        (not os.path.isdir(folder), "its folder is not a folder"),
        (os.path.isdir(path), "it is a folder"),
        (not os.access(folder, os.W_OK | os.X_OK), "this user may not write into its folder"),
        (
            os.path.lexists(path) and not os.access(path, os.R_OK | os.W_OK),
            "this user may not read and write it",
        ),
    )
    return next((text for holds, text in causes if holds), None)

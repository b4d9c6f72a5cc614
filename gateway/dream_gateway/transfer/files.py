"""What an import is read from: an SQLite file, a dump of one in SQL, a KV export, or an export of ours.

Files come from elsewhere. A dump runs in an SQLite of its own, in memory, that may make tables and fill
them, and do nothing else.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from dream_gateway.errors import ConfigurationError
from dream_gateway.transfer.bundles import Line
from dream_gateway.transfer.columns import TABLES, Found, read_table
from dream_gateway.transfer.parts import RECORD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SQLITE_MAGIC = b"SQLite format 3\0"
HARMLESS_PRAGMAS = (
    "foreign_keys",
    "defer_foreign_keys",
    "encoding",
    "journal_mode",
    "user_version",
)

_ALLOWED = frozenset(
    {
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_REINDEX,
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
    }
)
_HARMLESS_FUNCTIONS = ("char", "replace", "unistr", "datetime", "current_timestamp", "strftime")


@dataclass(slots=True)
class Sources:
    """All that was read: lines of exports of ours, the tables of the system before, its KV pairs."""

    lines: list[Line] = field(default_factory=list)
    tables: dict[str, Found] = field(default_factory=dict)
    pairs: list[tuple[str, object]] = field(default_factory=list)


def read_files(files: Iterable[Path]) -> Sources:
    """Read files of any kind. Raises `ConfigurationError` for one that cannot be read."""
    sources = Sources()
    for file in files:
        try:
            with file.open("rb") as opened:
                head = opened.read(len(SQLITE_MAGIC))
            _read(file, head, sources)
        except OSError as exc:
            raise ConfigurationError(f"{file}: {exc.strerror or 'cannot be read'}.") from exc
        except sqlite3.Error as exc:
            raise ConfigurationError(
                f"{file}: neither an SQLite file, nor a dump of one in SQL, nor JSON: {exc}."
            ) from exc
    return sources


def _read(file: Path, head: bytes, sources: Sources) -> None:
    if head.startswith(SQLITE_MAGIC):
        uri = f"file:{quote(str(file.resolve()))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            _read_tables(connection, sources)
    elif head.lstrip()[:1] in (b"{", b"["):
        _read_json(file, sources)
    else:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.set_authorizer(_authorize)
            connection.executescript(_text(file))
            connection.set_authorizer(None)
            _read_tables(connection, sources)


def _authorize(action: int, first: str | None, second: str | None, *_: object) -> int:
    """Let a dump make tables and rows: no other file, no extension, no trigger, no virtual table."""
    if action == sqlite3.SQLITE_PRAGMA and first in HARMLESS_PRAGMAS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _HARMLESS_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _read_tables(connection: sqlite3.Connection, sources: Sources) -> None:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    there = {str(name).lower() for (name,) in names} & set(TABLES)
    if not there:
        raise ConfigurationError(
            f"There is none of the tables {', '.join(TABLES)} in it: see the guide to migrating."
        )
    # What is no UTF-8 is kept, and refused row by row.
    connection.text_factory = _decoded
    for name in sorted(there):
        # One of our own names, so nothing of the file's is in the statement.
        cursor = connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608
        columns = [column[0] for column in cursor.description]
        found = read_table(name, columns, cursor)
        known = sources.tables.get(name, Found([], []))
        sources.tables[name] = Found(known.rows + found.rows, known.unknown + found.unknown)


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _read_json(file: Path, sources: Sources) -> None:
    """Read JSON Lines of ours, or a KV export: an object of keys and values, or a list of pairs."""
    content = file.read_bytes()
    first, _, _ = content.lstrip().partition(b"\n")
    if _is_line(first):
        for number, line in enumerate(content.splitlines(), 1):
            if line.strip():
                place = f"{file.name} line {number}"
                sources.lines.append(Line(place, _object(line, place)))
        return
    found = _decode(content, file.name)
    pairs = found.items() if isinstance(found, dict) else _pairs(found, file.name)
    sources.pairs.extend((str(key), value) for key, value in pairs)


def _is_line(text: bytes) -> bool:
    try:
        return RECORD in msgspec.json.decode(text)
    except (msgspec.DecodeError, TypeError, RecursionError):
        return False


def _pairs(found: object, name: str) -> Iterable[tuple[object, object]]:
    for each in found if isinstance(found, list) else ():
        key = each.get("key", each.get("name")) if isinstance(each, dict) else None
        if key is None or "value" not in each:
            raise ConfigurationError(f'{name}: a KV pair is {{"key": ..., "value": ...}}.')
        yield key, each["value"]


def _object(text: bytes, place: str) -> dict[str, Any]:
    found = _decode(text, place)
    if not isinstance(found, dict):
        raise ConfigurationError(f"{place}: not a JSON object.")
    return found


def _decode(text: bytes, place: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise ConfigurationError(f"{place}: not JSON.") from exc


def _text(file: Path) -> str:
    try:
        content = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"{file}: not UTF-8 text.") from exc
    if "\0" in content:
        raise ConfigurationError(f"{file}: not text.")
    return content

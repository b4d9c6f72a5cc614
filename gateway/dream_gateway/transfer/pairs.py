"""The KV export of the system before this one: pairs that are rows of its tables, too.

What a table says of the same thing holds, but for usage: of two counts the larger is the later one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dream_gateway.transfer.columns import TABLES, Found, chosen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dream_gateway.transfer.columns import Entry

KEYS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "apikey": ("api_keys", ("secretKeyHash",)),
    "user": ("end_users", ("publishableKey", "userId")),
    "usage": ("usage_counts", ("publishableKey", "userId")),
    "tiers": ("tiers", ("publishableKey",)),
    "subscription": ("subscriptions", ("publishableKey", "userId")),
}
"""What a key begins with: the table its value is a row of, and the columns in the rest of the key."""

SAME: Mapping[str, tuple[str, ...]] = {
    "api_keys": ("publishableKey",),
    "end_users": ("publishableKey", "userId"),
    "usage_counts": ("publishableKey", "userId", "periodStart"),
    "tiers": ("publishableKey", "name"),
    "subscriptions": ("publishableKey", "subscriptionId"),
}
"""The columns by which two rows are of the same thing."""


def with_pairs(
    tables: Mapping[str, Found], pairs: Iterable[tuple[str, object]]
) -> tuple[dict[str, Found], int]:
    """Return the tables with the rows of a KV export, and how many pairs were none of them."""
    merged = {name: Found(list(found.rows), list(found.unknown)) for name, found in tables.items()}
    known = {
        name: {_identity(name, entry): entry for _, entry in found.rows}
        for name, found in merged.items()
        if name in SAME
    }
    ignored = 0
    for key, value in pairs:
        rows = _rows(key, value)
        ignored += not rows
        for table, entry in rows:
            _merge(merged, known.setdefault(table, {}), table, (f"KV {key}", entry))
    return merged, ignored


def _merge(
    merged: dict[str, Found],
    known: dict[tuple[object, ...], Entry],
    table: str,
    row: tuple[str, Entry],
) -> None:
    identity = _identity(table, row[1])
    if identity not in known:
        known[identity] = row[1]
        merged.setdefault(table, Found([], [])).rows.append(row)
    elif table == "usage_counts":
        first = known[identity]
        if _number(row[1].get("usageCount")) > _number(first.get("usageCount")):
            first["usageCount"] = row[1]["usageCount"]


def _rows(key: str, value: object) -> list[tuple[str, Entry]]:
    """Return the rows that a pair holds; none if it is of another kind."""
    prefix, _, rest = key.partition(":")
    if prefix not in KEYS or not rest:
        return []
    table, columns = KEYS[prefix]
    parts = rest.split(":", len(columns) - 1)
    if len(parts) != len(columns):
        return []
    content = _content(value)
    values = content if isinstance(content, list) else [content]
    return [
        (table, {**_named(table, each), **dict(zip(columns, parts, strict=True))})
        for each in values
        if isinstance(each, dict)
    ]


def _named(table: str, content: Mapping[str, Any]) -> Entry:
    """Return a value's fields by the names of the table's columns; who lacks some is refused later."""
    fields = list(content)
    wanted = [name for name, named in TABLES[table].items() if named.required]
    names = chosen(table, [*fields, *wanted])[: len(fields)]
    return {
        name: content[field] for field, name in zip(fields, names, strict=True) if name is not None
    }


def _content(value: object) -> object:
    """Return a value as what it holds: KV values are text, most often JSON."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value.encode("utf-8", "surrogateescape"))
    except (msgspec.DecodeError, RecursionError):
        return value


def _identity(table: str, entry: Entry) -> tuple[object, ...]:
    return tuple(str(entry.get(name)) for name in SAME[table])


def _number(value: object) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0

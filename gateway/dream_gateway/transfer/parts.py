"""The parts of an export: which tables' rows are its lines, and how a row is a line of JSON.

A line's fields are the columns in camelCase. Instants are seconds since the epoch, digests hexadecimal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import JSON, Boolean, DefaultClause, Float, Integer, LargeBinary, String, Text

from dream_gateway.records import schema
from dream_gateway.records.sealed import SEALED, SealedColumn
from dream_gateway.transfer.checks import (
    check_customer,
    check_identity,
    check_key,
    check_member,
    check_product,
    check_project,
    check_tier,
    check_token,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Column, RowMapping, Table

LATEST = 253_402_300_800
"""Seconds since the epoch: the first instant after the year 9999."""

LONGEST_TEXT = 64 << 10
LEFT_OUT = frozenset(
    {
        "position",
        "deleted_at",
        "developer_id",
        "unpaid",
        "plan_since",
        "anchor_since",
        "overage_since",
        "subscription",
        "version",
        "metered",
    }
)
"""The columns of no line: what was deleted is in none, a member is one by their address, what a platform
owes is between it and the operator of this gateway, overage is paid from the import on, how a
subscription stands is told by its own line, and how often that was changed is nobody's business."""

ID = ("id",)
DIGEST = "digest"
RECORD = "record"
"""The field that says what kind of line it is."""


class Unfit(ValueError):  # noqa: N818 - says what is wrong with a line, to whoever reports it
    """A line that cannot be imported, and why."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of line. `owner` is the column that says whose a row is.

    `unique` are the columns that tell rows apart, the first of them among those of this part: a row
    that has the same is the same row. `of_customer`: `customer_id` names a customer of the owner.
    """

    kind: str
    table: Table
    owner: str
    unique: tuple[tuple[str, ...], ...]
    check: Callable[[Mapping[str, Any]], object] = dict
    of_customer: bool = False

    @property
    def columns(self) -> list[Column[Any]]:
        """The columns that a line has, the sealed ones among them."""
        return [column for column in self.table.columns if column.name not in LEFT_OUT]

    @property
    def sealed(self) -> tuple[SealedColumn, ...]:
        """The columns that are sealed."""
        return tuple(each for each in SEALED if each.column.table is self.table)


PLATFORM = Part("platform", schema.platforms, "id", (ID,))
PROJECT = Part("project", schema.projects, "platform_id", (ID,), check_project)
KEY = Part(
    "key",
    schema.api_keys,
    "project_id",
    (ID, ("digest",)),
    check_key,
    of_customer=True,
)
CUSTOMER = Part("customer", schema.end_users, "project_id", (ID, ("external_id",)), check_customer)
TOKEN = Part("stripeAccount", schema.stripe_tokens, "platform_id", (("mode",), ID), check_token)

MEMBER = Part("member", schema.memberships, "platform_id", (ID,), check_member)

OF_A_PLATFORM = (
    PLATFORM,
    MEMBER,
    TOKEN,
    Part("event", schema.events, "platform_id", (("event_id",),)),
)
"""What belongs to a platform as a whole, in the order in which it can be inserted."""

OF_A_PROJECT = (
    PROJECT,
    Part("origin", schema.origins, "project_id", (("origin",),)),
    Part("tier", schema.tiers, "project_id", (("name",),), check_tier),
    Part("product", schema.products, "project_id", (ID, ("name",)), check_product),
    CUSTOMER,
    KEY,
    Part(
        "identity",
        schema.identity_links,
        "project_id",
        (ID, ("issuer", "subject")),
        check_identity,
        of_customer=True,
    ),
    Part(
        "subscription",
        schema.subscriptions,
        "project_id",
        (("subscription_id",), ID),
        of_customer=True,
    ),
)
"""What belongs to one project, in the order in which it can be inserted."""

PARTS = {part.kind: part for part in (*OF_A_PLATFORM, *OF_A_PROJECT)}


def line_of(part: Part, row: RowMapping, *, digests: bool) -> dict[str, object]:
    """Return a row as a line. Sealed columns are never in it, digests only if wanted."""
    line: dict[str, object] = {RECORD: part.kind}
    sealed = {each.column.name for each in part.sealed}
    for column in part.columns:
        value = row[column.name]
        if column.name in sealed:
            continue
        if column.name != DIGEST:
            line[camel(column.name)] = value
        elif digests:
            line[DIGEST] = value.hex()
    return line


def row_of(part: Part, line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line as a row; sealed columns as the text that is still to be sealed.

    Raises `Unfit` for a line with a field too many or too few, or with a value that cannot be.
    """
    sealed = {each.column.name for each in part.sealed}
    columns = {camel(column.name): column for column in part.columns}
    unknown = sorted(set(line) - set(columns) - {RECORD})
    if unknown:
        raise Unfit(f"has an unknown field {unknown[0]!r}")
    row: dict[str, Any] = {}
    for name, column in columns.items():
        value = line.get(name)
        if column.name in sealed:
            row[column.name] = None if value is None else _text(value, name)
            continue
        if value is None and not column.nullable:
            value = _default(column)
            if value is None:
                raise Unfit(f"has no {name}")
        row[column.name] = None if value is None else _value(column, value, name)
    try:
        part.check(row)
    except (ValueError, msgspec.ValidationError) as exc:
        raise Unfit(str(exc)) from exc
    return row


def camel(name: str) -> str:
    """Return a column's name as a field's, such as `projectId`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _default(column: Column[Any]) -> object:
    """Return what a column has in a line that was written before there was one; `None`: nothing."""
    default = column.server_default
    if not isinstance(default, DefaultClause) or isinstance(column.type, JSON):
        return None
    text = str(default.arg)
    if isinstance(column.type, Boolean):
        return text == "1"
    return text if isinstance(column.type, String) else int(text)


def _value(column: Column[Any], value: object, name: str) -> object:
    kind = next(kind for kind in _READERS if isinstance(column.type, kind))
    found = _READERS[kind](value, name)
    longest = column.type.length if isinstance(column.type, String) else None
    if isinstance(found, str) and len(found) > (longest or LONGEST_TEXT):
        raise Unfit(f"has a {name} that is too long")
    return found


def _instant(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unfit(f"has a {name} that is not a number")
    if not 0 <= value < LATEST:
        raise Unfit(f"has a {name} outside of the years 1970 to 9999")
    return float(value)


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise Unfit(f"has a {name} that is not a whole number of 64 bits")
    return value


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise Unfit(f"has a {name} that is not true or false")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise Unfit(f"has a {name} that is not text")
    if "\0" in value or not _encodes(value):
        raise Unfit(f"has a {name} with characters that cannot be stored")
    return value


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json(value: object, name: str) -> object:
    if b"\\u0000" in msgspec.json.encode(value):
        raise Unfit(f"has a {name} with characters that cannot be stored")
    return value


def _binary(value: object, name: str) -> bytes:
    text = value if isinstance(value, str) else ""
    try:
        found = bytes.fromhex(text) if text.isalnum() else b""
    except ValueError:
        found = b""
    if not found:
        raise Unfit(f"has a {name} that is not hexadecimal")
    return found


_READERS: Mapping[type, Callable[[object, str], object]] = {
    Boolean: _flag,
    Float: _instant,
    Integer: _whole,
    JSON: _json,
    LargeBinary: _binary,
    Text: _text,
    String: _text,
}

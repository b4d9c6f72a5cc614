"""Queries about the audit log: who changed what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from dream_gateway.records.schema import audit_log

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done. `object` is the id of what it was done to; there is no secret in it.

    `at` is seconds since the epoch, `position` the place in the log. `request`, `project` and
    `platform` are ids, `None` where there is none.
    """

    position: int
    at: float
    actor: str
    action: str
    object: str
    project: str | None
    platform: str | None
    request: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are wanted: those that fit all that is not `None`.

    `action` is one action, such as `key.revoke`, or all of a kind, such as `key`. `since` and
    `until` are seconds since the epoch, `until` excluded. `object` is the id of what it was done to.
    """

    platform: str | None = None
    project: str | None = None
    actor: str | None = None
    action: str | None = None
    since: float | None = None
    until: float | None = None
    object: str | None = None


async def page(
    connection: AsyncConnection, wanted: Wanted, before: int | None, limit: int
) -> list[Entry]:
    """Return at most `limit` entries, newest first, from the one before the position `before`."""
    query = select(audit_log).where(*_conditions(wanted))
    if before is not None:
        query = query.where(audit_log.c.position < before)
    query = query.order_by(audit_log.c.position.desc()).limit(limit)
    return [_entry(row) for row in (await connection.execute(query)).mappings()]


def difference(
    before: Mapping[Any, Any] | None, after: Mapping[str, object], public: Collection[str]
) -> dict[str, object]:
    """Return what changed, for the details of an entry: the values of public fields alone."""
    before = before or {}
    changed = sorted(name for name in after if before.get(name) != after[name])
    shown = [name for name in changed if name in public]
    return {
        "changed": changed,
        "before": {name: before.get(name) for name in shown},
        "after": {name: after[name] for name in shown},
    }


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    table = audit_log.c
    exact = {
        table.platform_id: wanted.platform,
        table.project_id: wanted.project,
        table.actor: wanted.actor,
        table.object: wanted.object,
    }
    found = [column == value for column, value in exact.items() if value is not None]
    if wanted.action is not None:
        of_a_kind = table.action.startswith(f"{wanted.action}.", autoescape=True)
        found.append(or_(table.action == wanted.action, of_a_kind))
    if wanted.since is not None:
        found.append(table.at >= wanted.since)
    if wanted.until is not None:
        found.append(table.at < wanted.until)
    return found


def _entry(row: RowMapping) -> Entry:
    return Entry(
        position=row["position"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        object=row["object"],
        project=row["project_id"],
        platform=row["platform_id"],
        request=row["request_id"],
        details=row["details"],
    )

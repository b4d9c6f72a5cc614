"""Queries about the audit log: who changed what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from dream_gateway.records.schema import audit_log

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class AuditEntry(NamedTuple):
    """One change. `actor` and `object` are ids; `at` is seconds since the epoch, UTC."""

    position: int
    actor: str
    action: str
    object: str
    details: dict[str, Any]
    at: float
    project_id: str | None


async def page(
    connection: AsyncConnection, platform_id: str, before: int | None, limit: int
) -> list[AuditEntry]:
    """Return at most `limit` of a platform's entries, newest first, older than position `before`."""
    query = select(audit_log).where(audit_log.c.platform_id == platform_id)
    if before is not None:
        query = query.where(audit_log.c.position < before)
    query = query.order_by(audit_log.c.position.desc()).limit(limit)
    return [
        AuditEntry(**{name: row[name] for name in AuditEntry._fields})
        for row in (await connection.execute(query)).mappings()
    ]

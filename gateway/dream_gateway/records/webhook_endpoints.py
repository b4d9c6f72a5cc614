"""Queries about developers' webhook endpoints. Deleted ones are not there.

Secrets come and go sealed: see `dream_gateway.records.sealed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from dream_gateway.records.audit import difference
from dream_gateway.records.billing_schema import dispatches, webhook_endpoints
from dream_gateway.records.messages import DispatchStatus, EndpointStatus

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer

PUBLIC = ("url", "description", "types", "status", "fault")
"""The fields whose values the audit log shows."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a project's messages are sent. `types` empty: all of them.

    `secret` is sealed, and so is `previous_secret`, which signs as well until `previous_until`.
    `failures` are those since the last delivery, the first of them at `failing_since`; nothing is
    sent before `paused_until`. `fault` says why it is disabled, if not by the developer.
    """

    id: str
    project_id: str
    url: str
    secret: bytes
    created_at: float
    description: str = ""
    types: tuple[str, ...] = ()
    status: EndpointStatus = EndpointStatus.ENABLED
    fault: str | None = None
    previous_secret: bytes | None = None
    previous_until: float | None = None
    failures: int = 0
    failing_since: float | None = None
    paused_until: float | None = None


async def of_project(connection: AsyncConnection, project_id: str) -> list[Endpoint]:
    """Return a project's endpoints, oldest first."""
    here = webhook_endpoints.c.project_id == project_id
    query = select(webhook_endpoints).where(here, there()).order_by(webhook_endpoints.c.position)
    return [endpoint_of(row) for row in (await connection.execute(query)).mappings()]


async def by_id(connection: AsyncConnection, project_id: str, endpoint_id: str) -> Endpoint | None:
    """Return one endpoint."""
    here = webhook_endpoints.c.project_id == project_id, webhook_endpoints.c.id == endpoint_id
    row = (await connection.execute(select(webhook_endpoints).where(*here, there()))).mappings()
    found = row.first()
    return None if found is None else endpoint_of(found)


async def wanting(connection: AsyncConnection, kind: str) -> frozenset[str]:
    """Return the ids of the projects that want messages of a kind."""
    query = select(webhook_endpoints.c.project_id, webhook_endpoints.c.types).where(there())
    rows = await connection.execute(query)
    return frozenset([row.project_id for row in rows if not row.types or kind in row.types])


async def add(writer: Writer, endpoint: Endpoint) -> None:
    """Create an endpoint."""
    row = _row(endpoint)
    await writer.connection.execute(insert(webhook_endpoints).values(row))
    details = {"after": {name: row[name] for name in PUBLIC}}
    await writer.audit("webhook_endpoint.create", endpoint.id, details, project=endpoint.project_id)


async def change(
    writer: Writer, endpoint: Endpoint, action: str = "webhook_endpoint.update"
) -> None:
    """Store an endpoint's new values. One that is disabled gives up what is on its way to it."""
    row, run = _row(endpoint), writer.connection.execute
    here = (webhook_endpoints.c.id == endpoint.id) & there()
    before = (await run(select(webhook_endpoints).where(here))).mappings().first()
    await run(update(webhook_endpoints).where(here).values(row))
    if endpoint.status is EndpointStatus.DISABLED:
        await _give_up(writer, endpoint, "The endpoint is disabled.")
    details = difference(before, row, PUBLIC)
    await writer.audit(action, endpoint.id, details, project=endpoint.project_id)


async def delete(writer: Writer, endpoint: Endpoint) -> None:
    """Hide an endpoint; nothing more is sent there, and its secret is forgotten."""
    query = update(webhook_endpoints).where(webhook_endpoints.c.id == endpoint.id)
    await writer.connection.execute(
        query.values(deleted_at=writer.now, secret=None, previous_secret=None)
    )
    await _give_up(writer, endpoint, "The endpoint is deleted.")
    await writer.audit("webhook_endpoint.delete", endpoint.id, project=endpoint.project_id)


async def answered(writer: Writer, endpoint_id: str) -> None:
    """Forget that an endpoint was failing."""
    failing = (webhook_endpoints.c.id == endpoint_id) & (webhook_endpoints.c.failures > 0)
    await writer.connection.execute(
        update(webhook_endpoints)
        .where(failing)
        .values(failures=0, failing_since=None, paused_until=None)
    )


async def failed(writer: Writer, endpoint_id: str) -> Endpoint | None:
    """Count a failure; return the endpoint as it is then, `None` if it was deleted."""
    table = webhook_endpoints.c
    query = (
        update(webhook_endpoints)
        .where(table.id == endpoint_id, there())
        .values(
            failures=table.failures + 1,
            failing_since=func.coalesce(table.failing_since, writer.now),
        )
        .returning(webhook_endpoints)
    )
    row = (await writer.connection.execute(query)).mappings().first()
    return None if row is None else endpoint_of(row)


async def pause(writer: Writer, endpoint_id: str, until: float | None) -> None:
    """Send an endpoint nothing before an instant; `None`: go on at once."""
    query = update(webhook_endpoints).where(webhook_endpoints.c.id == endpoint_id)
    await writer.connection.execute(query.values(paused_until=until))


def there() -> ColumnElement[bool]:
    """Return the condition that an endpoint is not deleted."""
    return webhook_endpoints.c.deleted_at.is_(None)


def endpoint_of(row: RowMapping) -> Endpoint:
    """Return an endpoint from its row."""
    return Endpoint(
        id=row["id"],
        project_id=row["project_id"],
        url=row["url"],
        secret=row["secret"],
        created_at=row["created_at"],
        description=row["description"],
        types=tuple(row["types"]),
        status=EndpointStatus(row["status"]),
        fault=row["fault"],
        previous_secret=row["previous_secret"],
        previous_until=row["previous_until"],
        failures=row["failures"],
        failing_since=row["failing_since"],
        paused_until=row["paused_until"],
    )


async def _give_up(writer: Writer, endpoint: Endpoint, why: str) -> None:
    pending = (dispatches.c.endpoint_id == endpoint.id) & (
        dispatches.c.status == DispatchStatus.PENDING
    )
    values = {"status": DispatchStatus.FAILED, "fault": why, "done_at": writer.now}
    await writer.connection.execute(update(dispatches).where(pending).values(values))


def _row(endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": endpoint.id,
        "project_id": endpoint.project_id,
        "url": endpoint.url,
        "description": endpoint.description,
        "types": list(endpoint.types),
        "secret": endpoint.secret,
        "previous_secret": endpoint.previous_secret,
        "previous_until": endpoint.previous_until,
        "status": endpoint.status.value,
        "fault": endpoint.fault,
        "failures": endpoint.failures,
        "failing_since": endpoint.failing_since,
        "paused_until": endpoint.paused_until,
        "created_at": endpoint.created_at,
    }

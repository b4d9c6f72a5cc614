"""What developers' webhooks are told: messages, written in the transaction of what they tell of.

A message is kept as the exact bytes that are signed and sent: `type`, `timestamp`, `data` (Standard
Webhooks 1.0.0). What sends it is `dream_gateway.notices`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite

from dream_gateway import keys
from dream_gateway.records.billing_schema import dispatches, messages, webhook_endpoints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import RowMapping, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Credential, Customer
    from dream_gateway.records.database import Writer


class MessageType(StrEnum):
    """What a message may tell of. `TEST` is sent only when it is asked for."""

    CUSTOMER_CREATED = "customer.created"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    USAGE_THRESHOLD = "usage.threshold"
    KEY_REVOKED = "key.revoked"
    TEST = "webhook.test"


class EndpointStatus(StrEnum):
    """Whether an endpoint is sent to. One that is disabled gets what it missed by a replay."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DispatchStatus(StrEnum):
    """What became of a message on its way to one endpoint."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


async def tell(
    writer: Writer, project_id: str, kind: str, cause: str, payload: Mapping[str, object]
) -> str | None:
    """Write a message to a project's webhooks, in the caller's transaction; return its id.

    `await tell(writer, project_id, kind, cause, payload)`: `kind` is a `MessageType`, and `payload`
    becomes the message's `data`, as JSON; instants in it are aware datetimes, in UTC. `cause` names what
    it tells of, such as `subscription.changed:evt_1`, within the project and in at most 255 characters:
    the same cause is told once, however often this is called. `None`: nobody wants it, or it was told.
    """
    listeners = await _listeners(writer.connection, project_id, kind)
    if not listeners:
        return None
    row = _row(writer, project_id, kind, cause, payload)
    if not await insert_once(writer.connection, messages, row):
        return None
    message_id: str = row["id"]
    for endpoint in listeners:
        if endpoint["status"] == EndpointStatus.ENABLED:
            await _dispatch(writer, message_id, endpoint["id"])
    return message_id


async def test(writer: Writer, project_id: str, endpoint_id: str) -> str:
    """Write a message that tells of nothing, to one endpoint whatever it wants; return its id."""
    cause, data = keys.mint_id("test"), {"endpointId": endpoint_id}
    row = _row(writer, project_id, MessageType.TEST, cause, data)
    await writer.connection.execute(insert(messages).values(row))
    message_id: str = row["id"]
    await _dispatch(writer, message_id, endpoint_id)
    return message_id


async def customer_created(writer: Writer, customer: Customer) -> None:
    """Tell of a customer who is new."""
    data = {
        "id": customer.id,
        "externalId": customer.external_id,
        "email": customer.email,
        "firstName": customer.first_name,
        "lastName": customer.last_name,
        "plan": customer.plan,
        "metadata": customer.metadata,
        "createdAt": instant(customer.created_at),
    }
    kind = MessageType.CUSTOMER_CREATED
    await tell(writer, customer.project_id, kind, f"{kind}:{customer.id}", data)


async def key_revoked(writer: Writer, credential: Credential) -> None:
    """Tell of a key that works no longer."""
    data = {
        "keyId": credential.id,
        "kind": credential.kind.value,
        "customerId": credential.customer_id,
        "name": credential.name,
        "last4": credential.last4,
        "revokedAt": instant(writer.now),
    }
    kind = MessageType.KEY_REVOKED
    await tell(writer, credential.project_id, kind, f"{kind}:{credential.id}", data)


def instant(seconds: float) -> datetime:
    """Return an instant as messages have it: UTC, written with a `Z`."""
    return datetime.fromtimestamp(seconds, UTC)


async def insert_once(connection: AsyncConnection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert a row unless one like it is there; tell whether it was not. Safe to race."""
    on_postgres = connection.dialect.name == "postgresql"
    new = postgresql.insert(table) if on_postgres else sqlite.insert(table)
    done = await connection.execute(new.values(dict(row)).on_conflict_do_nothing())
    return done.rowcount == 1


async def _listeners(connection: AsyncConnection, project_id: str, kind: str) -> list[RowMapping]:
    """Return the endpoints that want a kind: those that are disabled too, which may replay it."""
    here = webhook_endpoints.c.project_id == project_id, webhook_endpoints.c.deleted_at.is_(None)
    query = select(webhook_endpoints).where(*here).order_by(webhook_endpoints.c.position)
    found = (await connection.execute(query)).mappings()
    return [row for row in found if not row["types"] or kind in row["types"]]


def _row(
    writer: Writer, project_id: str, kind: str, cause: str, data: Mapping[str, object]
) -> dict[str, Any]:
    body = {"type": kind, "timestamp": instant(writer.now), "data": data}
    return {
        "id": keys.mint_id("msg"),
        "project_id": project_id,
        "type": kind,
        "cause": cause,
        "payload": msgspec.json.encode(body),
        "created_at": writer.now,
    }


async def _dispatch(writer: Writer, message_id: str, endpoint_id: str) -> None:
    await writer.connection.execute(
        insert(dispatches).values(
            message_id=message_id,
            endpoint_id=endpoint_id,
            status=DispatchStatus.PENDING,
            attempts=0,
            due_at=writer.now,
        )
    )

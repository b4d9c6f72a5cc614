"""Queries about messages on their way to endpoints: who sends which next, and what became of it.

A dispatch that is due is claimed by one worker for a while, by putting its `due_at` off; one who dies
over it leaves it due again. So a message may arrive twice, and never gets lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, insert, literal, or_, select, update

from dream_gateway.records.billing_schema import dispatches, messages, webhook_endpoints
from dream_gateway.records.messages import DispatchStatus, EndpointStatus, MessageType
from dream_gateway.records.webhook_endpoints import Endpoint, endpoint_of, there

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message to be sent to an endpoint now, by whoever claimed it; it is attempt `attempts`."""

    position: int
    attempts: int
    message_id: str
    payload: bytes
    endpoint: Endpoint


async def any_due(connection: AsyncConnection, now: float) -> bool:
    """Return whether there is anything to claim."""
    query = select(dispatches.c.position).where(*_due(now)).limit(1)
    if (await connection.execute(query)).first() is None:
        return False
    return bool(await _with_work(connection, now, 1))


async def claim(writer: Writer, limit: int, per_endpoint: int, seconds: float) -> list[Claimed]:
    """Take what is due, the oldest first, for so many seconds: at most `per_endpoint` of each endpoint.

    So an endpoint with much to come holds up nobody else's.
    """
    claimed: list[Claimed] = []
    for endpoint in await _with_work(writer.connection, writer.now, limit):
        most = min(per_endpoint, limit - len(claimed))
        claimed += await _claim_of(writer, endpoint, most, writer.now + seconds)
        if len(claimed) >= limit:
            break
    return claimed


async def delivered(writer: Writer, claimed: Claimed, answer: int) -> bool:
    """Note that a message arrived. `False`: it is somebody else's by now."""
    values = {"status": DispatchStatus.DELIVERED, "fault": None, "done_at": writer.now}
    return await _settle(writer, claimed, answer, values)


async def put_off(
    writer: Writer, claimed: Claimed, answer: int | None, fault: str, due_at: float
) -> bool:
    """Note that an attempt failed, and when the next one is due. `False`: it is somebody else's."""
    return await _settle(writer, claimed, answer, {"fault": fault, "due_at": due_at})


async def give_up(writer: Writer, claimed: Claimed, answer: int | None, fault: str) -> bool:
    """Note that the last attempt failed. `False`: it is somebody else's by now."""
    values = {"status": DispatchStatus.FAILED, "fault": fault, "done_at": writer.now}
    return await _settle(writer, claimed, answer, values)


async def replay(writer: Writer, endpoint: Endpoint, message_ids: Sequence[str]) -> int:
    """Send messages to an endpoint once more, whatever became of them; return how many there were."""
    wanted = messages.c.project_id == endpoint.project_id, messages.c.id.in_(message_ids)
    return await _again(
        writer, endpoint, select(messages.c.id).where(*wanted), tuple(DispatchStatus)
    )


async def replay_missed(
    writer: Writer, endpoint: Endpoint, since: float, until: float | None
) -> int:
    """Send an endpoint what it wants of those days and did not get; return how many there were."""
    wanted = [
        messages.c.project_id == endpoint.project_id,
        messages.c.created_at >= since,
        messages.c.type != MessageType.TEST,
    ]
    if until is not None:
        wanted.append(messages.c.created_at < until)
    if endpoint.types:
        wanted.append(messages.c.type.in_(endpoint.types))
    missed = select(messages.c.id).where(*wanted)
    return await _again(writer, endpoint, missed, (DispatchStatus.FAILED,))


async def any_older(connection: AsyncConnection, before: float) -> bool:
    """Return whether there is a message that `prune` would delete, or one still on its way."""
    query = select(messages.c.position).where(messages.c.created_at < before).limit(1)
    return (await connection.execute(query)).first() is not None


async def prune(writer: Writer, before: float, limit: int) -> int:
    """Delete at most `limit` messages of before an instant that go nowhere any more."""
    pending = exists().where(
        dispatches.c.message_id == messages.c.id, dispatches.c.status == DispatchStatus.PENDING
    )
    run = writer.connection.execute
    old = select(messages.c.id).where(messages.c.created_at < before, ~pending).limit(limit)
    ids = list((await run(old)).scalars())
    await run(delete(dispatches).where(dispatches.c.message_id.in_(ids)))
    await run(delete(messages).where(messages.c.id.in_(ids)))
    return len(ids)


def _due(now: float) -> tuple[ColumnElement[bool], ...]:
    return dispatches.c.status == DispatchStatus.PENDING, dispatches.c.due_at <= now


async def _with_work(connection: AsyncConnection, now: float, limit: int) -> list[Endpoint]:
    """Return endpoints that something is due for, those that wait the longest first."""
    table, first = webhook_endpoints.c, dispatches.c.due_at
    oldest = (
        select(first)
        .where(dispatches.c.endpoint_id == table.id, *_due(now))
        .order_by(first)
        .limit(1)
        .scalar_subquery()
    )
    open_now = or_(table.paused_until.is_(None), table.paused_until <= now)
    enabled = table.status == EndpointStatus.ENABLED
    query = (
        select(webhook_endpoints)
        .where(enabled, there(), open_now, oldest.is_not(None))
        .order_by(oldest)
        .limit(limit)
    )
    return [endpoint_of(row) for row in (await connection.execute(query)).mappings()]


async def _claim_of(writer: Writer, endpoint: Endpoint, limit: int, until: float) -> list[Claimed]:
    run, table = writer.connection.execute, dispatches.c
    # Where writers overlap, what another is just taking is not waited for.
    due = (
        select(table.position)
        .where(table.endpoint_id == endpoint.id, *_due(writer.now))
        .order_by(table.due_at, table.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    positions = list((await run(due)).scalars())
    if not positions:
        return []
    taken = {"due_at": until, "attempts": table.attempts + 1, "tried_at": writer.now}
    await run(update(dispatches).where(table.position.in_(positions)).values(taken))
    query = (
        select(table.position, table.attempts, table.message_id, messages.c.payload)
        .join_from(dispatches, messages, messages.c.id == table.message_id)
        .where(table.position.in_(positions))
        .order_by(table.position)
    )
    return [
        Claimed(row.position, row.attempts, row.message_id, row.payload, endpoint)
        for row in await run(query)
    ]


async def _settle(
    writer: Writer, claimed: Claimed, answer: int | None, values: dict[str, Any]
) -> bool:
    own = (
        (dispatches.c.position == claimed.position)
        & (dispatches.c.attempts == claimed.attempts)
        & (dispatches.c.status == DispatchStatus.PENDING)
    )
    query = update(dispatches).where(own).values(answer=answer, **values)
    return (await writer.connection.execute(query)).rowcount == 1


async def _again(
    writer: Writer,
    endpoint: Endpoint,
    wanted: Select[tuple[str]],
    statuses: Sequence[DispatchStatus],
) -> int:
    run, table = writer.connection.execute, dispatches.c
    fresh = {"status": DispatchStatus.PENDING, "attempts": 0, "due_at": writer.now}
    known = (
        (table.endpoint_id == endpoint.id)
        & table.message_id.in_(wanted)
        & table.status.in_(statuses)
    )
    repeated = await run(update(dispatches).where(known).values(**fresh, fault=None, done_at=None))
    ever = exists().where(table.endpoint_id == endpoint.id, table.message_id == messages.c.id)
    columns = ["message_id", "endpoint_id", *fresh]
    values = [literal(endpoint.id), *(literal(value) for value in fresh.values())]
    new = select(messages.c.id, *values).where(messages.c.id.in_(wanted), ~ever)
    added = await run(insert(dispatches).from_select(columns, new))
    return repeated.rowcount + added.rowcount

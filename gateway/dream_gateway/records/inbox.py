"""Queries about events that payment providers sent: each is kept once, and taken object by object."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, exists, select, update

from dream_gateway import keys
from dream_gateway.payments import About, Account, Endpoint
from dream_gateway.records.billing_schema import inbox
from dream_gateway.records.messages import insert_once

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.payments import Event
    from dream_gateway.records.database import Writer

FAULT_CHARACTERS = 500


class InboxStatus(StrEnum):
    """What became of an event. One that is parked failed too often, and waits for somebody."""

    PENDING = "pending"
    DONE = "done"
    IGNORED = "ignored"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Received:
    """An event as it was received; `position` is the place in the inbox."""

    position: int
    endpoint: Endpoint
    account: Account
    event_id: str
    type: str
    about: About
    ref: str
    gone: bool
    created_at: float
    received_at: float
    status: InboxStatus
    attempts: int
    due_at: float
    fault: str | None
    done_at: float | None
    platform_id: str | None
    project_id: str | None


class Taken(NamedTuple):
    """All that is pending of one object, in the order it came, under a lease."""

    lease: str
    events: tuple[Received, ...]

    @property
    def attempts(self) -> int:
        """How often the oldest was taken, this time included."""
        return self.events[0].attempts


async def put(writer: Writer, endpoint: Endpoint, event: Event) -> bool:
    """Keep an event, due at once unless it is about nothing; return whether it is new."""
    nothing = event.about is About.NOTHING
    row = {
        "endpoint": endpoint,
        "account_id": event.account.id or "",
        "live": event.account.live,
        "event_id": event.id,
        "type": event.type,
        "about": event.about,
        "ref": event.ref,
        "gone": event.gone,
        "created_at": event.created_at,
        "received_at": writer.now,
        "status": InboxStatus.IGNORED if nothing else InboxStatus.PENDING,
        "attempts": 0,
        "due_at": writer.now,
        "done_at": writer.now if nothing else None,
    }
    return await insert_once(writer.connection, inbox, row)


async def is_due(connection: AsyncConnection, now: float) -> bool:
    """Return whether there is something to take."""
    query = select(inbox.c.position).where(_due(now)).limit(1)
    return (await connection.execute(query)).first() is not None


async def take(writer: Writer, lease_seconds: float) -> Taken | None:
    """Take all that is pending of the object which waits longest, as nobody else may for a while."""
    run, lease = writer.connection.execute, keys.mint_id("ils")
    first = select(inbox).where(_due(writer.now)).order_by(inbox.c.due_at, inbox.c.position)
    row = (await run(first.limit(1))).mappings().first()
    if row is None:
        return None
    same = (
        (inbox.c.account_id == row["account_id"])
        & (inbox.c.ref == row["ref"])
        & (inbox.c.status == InboxStatus.PENDING)
        & (inbox.c.live == row["live"])
        & (inbox.c.endpoint == row["endpoint"])
        & (inbox.c.about == row["about"])
    )
    values = {
        "lease": lease,
        "leased_until": writer.now + lease_seconds,
        "attempts": inbox.c.attempts + 1,
    }
    await run(update(inbox).where(same).values(values))
    taken = select(inbox).where(inbox.c.lease == lease).order_by(inbox.c.position)
    return Taken(lease, tuple(_received(each) for each in (await run(taken)).mappings()))


async def finish(
    writer: Writer, taken: Taken, status: InboxStatus, platform: str | None, project: str | None
) -> bool:
    """Mark what was taken as dealt with; return whether it was still ours to deal with."""
    return await _release(
        writer,
        taken,
        {
            "status": status,
            "done_at": writer.now,
            "fault": None,
            "platform_id": platform,
            "project_id": project,
        },
    )


async def put_off(
    writer: Writer, taken: Taken, seconds: float, fault: str, *, counts: bool
) -> None:
    """Have what was taken come again later; the attempt is forgotten unless it `counts`."""
    values: dict[str, object] = {"due_at": writer.now + seconds, "fault": fault[:FAULT_CHARACTERS]}
    if not counts:
        values["attempts"] = inbox.c.attempts - 1
    await _release(writer, taken, values)


async def park(writer: Writer, taken: Taken, fault: str) -> None:
    """Leave what was taken to somebody who looks at it."""
    values: dict[str, object] = {
        "status": InboxStatus.PARKED,
        "fault": fault[:FAULT_CHARACTERS],
    }
    await _release(writer, taken, values)


async def page(
    connection: AsyncConnection, status: InboxStatus | None, before: int | None, limit: int
) -> list[Received]:
    """Return at most `limit` events, newest first, from the one before the position `before`."""
    query = select(inbox).order_by(inbox.c.position.desc()).limit(limit)
    if status is not None:
        query = query.where(inbox.c.status == status)
    if before is not None:
        query = query.where(inbox.c.position < before)
    return [_received(row) for row in (await connection.execute(query)).mappings()]


async def recent(connection: AsyncConnection, project_id: str, limit: int) -> list[Received]:
    """Return at most `limit` events that turned out to be of a project, newest first."""
    query = select(inbox).where(inbox.c.project_id == project_id)
    rows = await connection.execute(query.order_by(inbox.c.position.desc()).limit(limit))
    return [_received(row) for row in rows.mappings()]


async def failed(connection: AsyncConnection, account: Account, limit: int) -> list[Received]:
    """Return at most `limit` events of an account that are parked, newest first."""
    query = select(inbox).where(_parked_of(account)).order_by(inbox.c.position.desc())
    rows = await connection.execute(query.limit(limit))
    return [_received(row) for row in rows.mappings()]


async def replay_failed(writer: Writer, account: Account, events: Collection[str] | None) -> int:
    """Have events of an account taken again that are parked, these or all; return how many."""
    here = _parked_of(account)
    if events is not None:
        here &= inbox.c.event_id.in_(list(events))
    return await _again(writer, here)


async def replay(writer: Writer, positions: Sequence[int] | None) -> int:
    """Have events taken again, whatever became of them; `None`: all that are parked.

    Return how many. The object is asked for anew, so it does no harm to have one taken twice.
    """
    here = (
        inbox.c.status == InboxStatus.PARKED
        if positions is None
        else inbox.c.position.in_(list(positions))
    )
    return await _again(writer, here)


async def prune(writer: Writer, before: float) -> None:
    """Forget events that were dealt with before then."""
    settled = inbox.c.status.in_([InboxStatus.DONE, InboxStatus.IGNORED])
    await writer.connection.execute(delete(inbox).where(settled, inbox.c.done_at < before))


def _parked_of(account: Account) -> ColumnElement[bool]:
    """Return the events of a developer's account that failed: whose project's, is not known yet."""
    return (
        (inbox.c.status == InboxStatus.PARKED)
        & (inbox.c.endpoint == Endpoint.CONNECT)
        & (inbox.c.account_id == account.id)
        & (inbox.c.live == account.live)
    )


async def _again(writer: Writer, here: ColumnElement[bool]) -> int:
    values = {
        "status": InboxStatus.PENDING,
        "attempts": 0,
        "due_at": writer.now,
        "lease": None,
        "leased_until": None,
        "done_at": None,
    }
    done = await writer.connection.execute(update(inbox).where(here).values(values))
    return done.rowcount


async def _release(writer: Writer, taken: Taken, values: dict[str, object]) -> bool:
    values = {"lease": None, "leased_until": None, **values}
    query = update(inbox).where(inbox.c.lease == taken.lease).values(values)
    done = await writer.connection.execute(query)
    return done.rowcount == len(taken.events)


def _due(now: float) -> ColumnElement[bool]:
    """Return what is due, of an object that nobody is at."""
    other = inbox.alias()
    busy = exists().where(
        other.c.account_id == inbox.c.account_id,
        other.c.ref == inbox.c.ref,
        other.c.status == InboxStatus.PENDING,
        other.c.leased_until > now,
        other.c.live == inbox.c.live,
        other.c.endpoint == inbox.c.endpoint,
        other.c.about == inbox.c.about,
    )
    return (inbox.c.status == InboxStatus.PENDING) & (inbox.c.due_at <= now) & ~busy


def _received(row: RowMapping) -> Received:
    return Received(
        position=row["position"],
        endpoint=Endpoint(row["endpoint"]),
        account=Account(row["account_id"] or None, bool(row["live"])),
        event_id=row["event_id"],
        type=row["type"],
        about=About(row["about"]),
        ref=row["ref"],
        gone=bool(row["gone"]),
        created_at=row["created_at"],
        received_at=row["received_at"],
        status=InboxStatus(row["status"]),
        attempts=row["attempts"],
        due_at=row["due_at"],
        fault=row["fault"],
        done_at=row["done_at"],
        platform_id=row["platform_id"],
        project_id=row["project_id"],
    )

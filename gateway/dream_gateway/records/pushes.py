"""Queries about what is to be pushed to the payment provider, because a project sells it differently.

A push is due from the transaction on that changed the catalogue. So no crash can lose it, and it is
tried until the provider has everything, or says why it will not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import exists, insert, select, update

from dream_gateway.errors import ConflictError
from dream_gateway.records.accounts import AccountStatus
from dream_gateway.records.billing_schema import catalogue_pushes
from dream_gateway.records.schema import projects, stripe_tokens

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Mode
    from dream_gateway.records.database import Writer

FAULT_CHARACTERS = 500
BUSY_SECONDS = 5.0


class PushStatus(StrEnum):
    """Whether the provider has a catalogue; what `FAILED` was refused, and waits for a change."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Push:
    """How far a project's catalogue is: `pushed` is the revision that the provider has."""

    project_id: str
    revision: int
    pushed: int
    status: PushStatus
    attempts: int
    due_at: float
    fault: str | None
    pushed_at: float | None

    def is_under_way(self, now: float) -> bool:
        """Return whether somebody is at it; one that failed and waits has a fault."""
        return self.attempts > 0 and self.fault is None and self.due_at > now


async def touch(writer: Writer, project_id: str, due_at: float | None = None) -> None:
    """Have a project's catalogue pushed, at once or from `due_at` on; without account, nothing is."""
    run = writer.connection.execute
    values = {
        "status": PushStatus.PENDING,
        "attempts": 0,
        "due_at": writer.now if due_at is None else due_at,
        "fault": None,
    }
    there = catalogue_pushes.c.project_id == project_id
    more = catalogue_pushes.c.revision + 1
    if (await run(update(catalogue_pushes).where(there).values(**values, revision=more))).rowcount:
        return
    if (await run(select(projects.c.id).where(projects.c.id == project_id, _connected()))).first():
        row = {"project_id": project_id, "revision": 1, "pushed": 0, **values}
        await run(insert(catalogue_pushes).values(row))


async def touch_all(writer: Writer, platform_id: str, mode: Mode) -> None:
    """Have the catalogues of a platform's projects in one mode pushed."""
    query = select(projects.c.id).where(
        projects.c.platform_id == platform_id,
        projects.c.mode == mode,
        projects.c.deleted_at.is_(None),
    )
    for project_id in (await writer.connection.execute(query)).scalars().all():
        await touch(writer, project_id)


async def find(connection: AsyncConnection, project_id: str) -> Push | None:
    """Return how far a project's catalogue is; `None` if there was never an account for it."""
    query = select(catalogue_pushes).where(catalogue_pushes.c.project_id == project_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _push(row)


async def due(connection: AsyncConnection, now: float, limit: int) -> list[str]:
    """Return the projects whose catalogues are due, those first that wait longest."""
    query = select(catalogue_pushes.c.project_id).where(_due(now))
    query = query.order_by(catalogue_pushes.c.due_at).limit(limit)
    return list((await connection.execute(query)).scalars())


async def take(writer: Writer, project_id: str, lease_seconds: float, *, due: bool) -> Push | None:
    """Return a push that is nobody else's business for the lease; of one that is due, if it still is.

    One that is asked for comes about if there is none. Raises `ConflictError` while somebody is at it.
    """
    there = catalogue_pushes.c.project_id == project_id
    found = await find(writer.connection, project_id)
    if due and (found is None or found.status is PushStatus.FAILED or found.due_at > writer.now):
        return None
    if not due:
        if found is not None and found.is_under_way(writer.now):
            detail = "The catalogue is being pushed already."
            raise ConflictError(detail, retry_after=BUSY_SECONDS)
        await touch(writer, project_id)
    values = {
        "status": PushStatus.PENDING,
        "due_at": writer.now + lease_seconds,
        "attempts": catalogue_pushes.c.attempts + 1,
        "fault": None,
    }
    await writer.connection.execute(update(catalogue_pushes).where(there).values(values))
    return await find(writer.connection, project_id)


async def finish(writer: Writer, push: Push, again_at: float) -> bool:
    """Note that the provider has a revision; return whether it is the newest. It is due again then.

    If something was changed meanwhile, the next push is due at once.
    """
    newest = catalogue_pushes.c.revision == push.revision
    there = catalogue_pushes.c.project_id == push.project_id
    common = {"pushed": push.revision, "pushed_at": writer.now, "attempts": 0, "fault": None}
    done = {**common, "status": PushStatus.DONE, "due_at": again_at}
    run = writer.connection.execute
    if (await run(update(catalogue_pushes).where(there & newest).values(done))).rowcount:
        return True
    await run(update(catalogue_pushes).where(there).values(**common, due_at=writer.now))
    return False


async def put_off(writer: Writer, push: Push, seconds: float, fault: str) -> None:
    """Have a push tried again later."""
    await _note(writer, push, {"due_at": writer.now + seconds, "fault": fault[:FAULT_CHARACTERS]})


async def fail(writer: Writer, push: Push, fault: str) -> None:
    """Note that the provider refused; the next change, or somebody who asks for it, tries again."""
    values = {"status": PushStatus.FAILED, "attempts": 0, "fault": fault[:FAULT_CHARACTERS]}
    await _note(writer, push, values)


async def _note(writer: Writer, push: Push, values: dict[str, object]) -> None:
    here = (catalogue_pushes.c.project_id == push.project_id) & (
        catalogue_pushes.c.revision == push.revision
    )
    await writer.connection.execute(update(catalogue_pushes).where(here).values(values))


def _due(now: float) -> ColumnElement[bool]:
    kept = catalogue_pushes.c.status != PushStatus.FAILED
    return kept & (catalogue_pushes.c.due_at <= now)


def _connected() -> ColumnElement[bool]:
    return exists().where(
        stripe_tokens.c.platform_id == projects.c.platform_id,
        stripe_tokens.c.mode == projects.c.mode,
        stripe_tokens.c.status != AccountStatus.DEAUTHORIZED,
    )


def _push(row: RowMapping) -> Push:
    return Push(
        project_id=row["project_id"],
        revision=row["revision"],
        pushed=row["pushed"],
        status=PushStatus(row["status"]),
        attempts=row["attempts"],
        due_at=row["due_at"],
        fault=row["fault"],
        pushed_at=row["pushed_at"],
    )

"""Queries about the dashboard's sessions. Only digests of their secrets are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select, update

from dream_gateway.records.rows import developer_of
from dream_gateway.records.schema import dashboard_sessions, developers

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.facilities import Writing
    from dream_gateway.model import Developer
    from dream_gateway.records.database import Writer


class Session(NamedTuple):
    """A session that has not ended: a developer's, or with `operator`, a token's digest, the operator's.

    `seen_at` is when its last use was noted.
    """

    digest: bytes
    developer: Developer | None
    operator: bytes | None
    seen_at: float


async def issue_link(writer: Writer, digest: bytes, developer: str, expires_at: float) -> None:
    """Store the digest of a secret that signs a developer in, once."""
    await _add(writer, digest, expires_at, developer_id=developer, is_link=True)


async def open_link(writer: Writer, digest: bytes) -> str | None:
    """Use a link up; return the developer's id, `None` for one that does not hold (any more)."""
    here = dashboard_sessions.c
    query = delete(dashboard_sessions).where(
        dashboard_sessions.c.digest == digest, here.is_link.is_(True), here.expires_at > writer.now
    )
    found = await writer.connection.execute(query.returning(here.developer_id))
    developer: str | None = found.scalar()
    return developer


async def begin(
    writer: Writer,
    digest: bytes,
    expires_at: float,
    *,
    developer: str | None,
    operator: bytes | None,
) -> None:
    """Begin a session; what has ended is swept out."""
    over = dashboard_sessions.c.expires_at <= writer.now
    await writer.connection.execute(delete(dashboard_sessions).where(over))
    await _add(writer, digest, expires_at, developer_id=developer, operator=operator, is_link=False)


async def find(
    connection: AsyncConnection, digest: bytes, *, now: float, idle: float
) -> Session | None:
    """Return the session of a secret's digest, unless it ended, or was idle for `idle` seconds."""
    here = dashboard_sessions.c
    query = (
        select(here.digest, here.operator, here.seen_at, developers)
        .join_from(dashboard_sessions, developers, isouter=True)
        .where(
            dashboard_sessions.c.digest == digest,
            here.is_link.is_(False),
            here.expires_at > now,
            here.seen_at > now - idle,
        )
    )
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    developer = None if row["id"] is None else developer_of(row)
    return Session(row["digest"], developer, row["operator"], row["seen_at"])


async def touch(writer: Writer, digest: bytes) -> None:
    """Note that a session is used."""
    query = update(dashboard_sessions).where(dashboard_sessions.c.digest == digest)
    await writer.connection.execute(query.values(seen_at=writer.now))


async def end(writer: Writer, digest: bytes) -> None:
    """End a session; one that is not there is no error."""
    query = delete(dashboard_sessions).where(dashboard_sessions.c.digest == digest)
    await writer.connection.execute(query)


async def end_all(writer: Writing, issuer: str, subject: str) -> None:
    """End every session of the developer whom an identity provider names; links, too."""
    here = developers.c
    query = select(here.id).where(here.issuer == issuer, here.subject == subject)
    theirs = dashboard_sessions.c.developer_id.in_(query)
    await writer.connection.execute(delete(dashboard_sessions).where(theirs))


async def _add(writer: Writer, digest: bytes, expires_at: float, **values: object) -> None:
    times = {"created_at": writer.now, "seen_at": writer.now, "expires_at": expires_at}
    query = insert(dashboard_sessions).values(digest=digest, **times, **values)
    await writer.connection.execute(query)

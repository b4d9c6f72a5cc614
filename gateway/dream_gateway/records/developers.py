"""Queries about developers and their parts in platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select, update

from dream_gateway import keys
from dream_gateway.model import Developer, Membership, Platform, Role
from dream_gateway.records import platforms
from dream_gateway.records.rows import developer_of, membership_of, platform_of
from dream_gateway.records.schema import developers, memberships
from dream_gateway.records.schema import platforms as platform_rows

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.hookspecs import Identified
    from dream_gateway.records.database import Writer

NAMELESS = "My platform"
"""What a platform is called whose owner's token has no e-mail address."""


class Standing(NamedTuple):
    """A developer on a platform."""

    platform: Platform
    membership: Membership


async def find(connection: AsyncConnection, issuer: str, subject: str) -> Developer | None:
    """Return the developer whom an identity provider names."""
    query = select(developers).where(developers.c.issuer == issuer, developers.c.subject == subject)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else developer_of(row)


async def register(writer: Writer, found: Identified) -> Developer:
    """Create a developer with a platform of their own, and let them in where they are invited.

    Only an address that their provider has verified opens an invitation.
    """
    developer = Developer(
        id=keys.mint_id("dev"),
        issuer=found.issuer,
        subject=found.subject,
        created_at=writer.now,
        email=_plain(found.email),
        email_verified=found.email_verified,
        first_name=found.first_name,
        last_name=found.last_name,
    )
    row = {name: getattr(developer, name) for name in developers.columns.keys()}  # noqa: SIM118 # of a table
    await writer.connection.execute(insert(developers).values(row))
    platform = await platforms.create(writer, found.email or NAMELESS)
    await _add(writer, platform.id, developer.id, developer.email, Role.OWNER)
    if developer.email is not None and developer.email_verified:
        await _accept(writer, developer.id, developer.email)
    return developer


async def standing(
    connection: AsyncConnection, developer: Developer, platform_id: str | None
) -> Standing | None:
    """Return a developer's part in a platform, by default in the one they have had for longest."""
    query = select(memberships).where(memberships.c.developer_id == developer.id)
    if platform_id is not None:
        query = query.where(memberships.c.platform_id == platform_id)
    row = (await connection.execute(query.order_by(memberships.c.position))).mappings().first()
    if row is None:
        return None
    membership = membership_of(row)
    platform = await platforms.find(connection, membership.platform_id)
    return None if platform is None else Standing(platform, membership)


async def platforms_of(connection: AsyncConnection, developer: Developer) -> list[Standing]:
    """Return every platform that a developer has a part in, the one they had for longest first."""
    query = (
        select(memberships)
        .where(memberships.c.developer_id == developer.id)
        .order_by(memberships.c.position)
    )
    parts = [membership_of(row) for row in (await connection.execute(query)).mappings()]
    ids = [part.platform_id for part in parts]
    owned = select(platform_rows).where(platform_rows.c.id.in_(ids))
    by_id = {row["id"]: platform_of(row) for row in (await connection.execute(owned)).mappings()}
    return [Standing(by_id[part.platform_id], part) for part in parts]


async def members(
    connection: AsyncConnection, platform_id: str, after: str | None, limit: int
) -> list[Membership]:
    """Return at most `limit` members, oldest first, from the one after the id `after`."""
    query = _of(platform_id).order_by(memberships.c.position).limit(limit)
    if after is not None:
        start = select(memberships.c.position).where(memberships.c.id == after).scalar_subquery()
        query = query.where(memberships.c.position > start)
    return [membership_of(row) for row in (await connection.execute(query)).mappings()]


async def member(
    connection: AsyncConnection, platform_id: str, membership_id: str
) -> Membership | None:
    """Return one member."""
    query = _of(platform_id).where(memberships.c.id == membership_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else membership_of(row)


async def invite(writer: Writer, platform_id: str, email: str, role: Role) -> Membership | None:
    """Add whoever has a verified address, now or once they sign in; `None` if they are there."""
    run, email = writer.connection.execute, email.lower()
    if (await run(_of(platform_id).where(memberships.c.email == email))).first() is not None:
        return None
    query = select(developers.c.id).where(
        developers.c.email == email, developers.c.email_verified.is_(True)
    )
    # An address may be known to two issuers. Which of them is meant is not for us to guess.
    known = (await run(query.limit(2))).scalars().all()
    developer_id = known[0] if len(known) == 1 else None
    return await _add(writer, platform_id, developer_id, email, role)


async def set_role(writer: Writer, membership: Membership, role: Role) -> None:
    """Change what a member may do."""
    query = update(memberships).where(memberships.c.id == membership.id)
    await writer.connection.execute(query.values(role=role.value))
    await _audit(writer, membership, "member.update", role)


async def remove(writer: Writer, membership: Membership) -> None:
    """Take a member off a platform; what they did stays in the audit log."""
    await writer.connection.execute(delete(memberships).where(memberships.c.id == membership.id))
    await _audit(writer, membership, "member.delete", membership.role)


async def owners(connection: AsyncConnection, platform_id: str) -> int:
    """Return how many owners have signed in."""
    query = _of(platform_id).where(
        memberships.c.role == Role.OWNER.value, memberships.c.developer_id.is_not(None)
    )
    return len((await connection.execute(query)).all())


async def _accept(writer: Writer, developer_id: str, email: str) -> None:
    """Let a developer in where their address was invited: they have these parts from now on."""
    run = writer.connection.execute
    invited = (memberships.c.developer_id.is_(None)) & (memberships.c.email == email)
    rows = (await run(select(memberships).where(invited))).mappings().all()
    await run(delete(memberships).where(invited))
    for row in rows:
        part = {name: row[name] for name in ("id", "platform_id", "email", "role", "created_at")}
        await run(insert(memberships).values(developer_id=developer_id, **part))


async def _add(
    writer: Writer, platform_id: str, developer_id: str | None, email: str | None, role: Role
) -> Membership:
    made = Membership(
        keys.mint_id("mem"), platform_id, developer_id, email, role, created_at=writer.now
    )
    row = {
        "id": made.id,
        "platform_id": platform_id,
        "developer_id": developer_id,
        "email": email,
        "role": role.value,
        "created_at": writer.now,
    }
    await writer.connection.execute(insert(memberships).values(row))
    await _audit(writer, made, "member.create", role)
    return made


async def _audit(writer: Writer, membership: Membership, action: str, role: Role) -> None:
    details: dict[str, object] = {"role": role.value, "developer": membership.developer_id}
    await writer.audit(action, membership.id, details, platform=membership.platform_id)


def _plain(email: str | None) -> str | None:
    """Return an address as it is compared: two that differ in case only are nobody's but one's."""
    return None if email is None else email.lower()


def _of(platform_id: str) -> Select[tuple[object, ...]]:
    return select(memberships).where(memberships.c.platform_id == platform_id)

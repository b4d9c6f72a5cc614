"""Queries about platforms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import insert, or_, select, tuple_, update

from dream_gateway import keys
from dream_gateway.model import Platform
from dream_gateway.records.rows import platform_of
from dream_gateway.records.schema import platforms, projects
from dream_gateway.storage import Change, Subject

if TYPE_CHECKING:
    from sqlalchemy import Label
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer


def refused() -> Label[bool]:
    """Return the column `suspended` of a platform's projects: whichever reason there is."""
    return or_(platforms.c.suspended, platforms.c.unpaid).label("suspended")


async def create(writer: Writer, name: str) -> Platform:
    """Create a platform, which nobody is a member of yet."""
    platform = Platform(keys.mint_id("plt"), name, writer.now)
    row = {"id": platform.id, "name": name, "suspended": False, "created_at": writer.now}
    await writer.connection.execute(insert(platforms).values(row))
    await writer.audit("platform.create", platform.id, {"name": name}, platform=platform.id)
    return platform


async def find(connection: AsyncConnection, platform_id: str) -> Platform | None:
    """Return a platform."""
    query = select(platforms).where(platforms.c.id == platform_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else platform_of(row)


async def page(connection: AsyncConnection, after: str | None, limit: int) -> list[Platform]:
    """Return at most `limit` platforms, oldest first, from the one after the id `after`."""
    order = tuple_(platforms.c.created_at, platforms.c.id)
    query = select(platforms).order_by(platforms.c.created_at, platforms.c.id).limit(limit)
    if after is not None:
        begun = select(platforms.c.created_at).where(platforms.c.id == after).scalar_subquery()
        query = query.where(order > tuple_(begun, after))
    return [platform_of(row) for row in (await connection.execute(query)).mappings()]


async def rename(writer: Writer, platform: Platform, name: str) -> Platform:
    """Give a platform another name."""
    query = update(platforms).where(platforms.c.id == platform.id)
    await writer.connection.execute(query.values(name=name))
    await writer.audit("platform.update", platform.id, {"name": name}, platform=platform.id)
    return replace(platform, name=name)


async def suspend(writer: Writer, platform: Platform, *, suspended: bool) -> Platform:
    """Keep a platform's keys from working, or let them work again; a repeat changes nothing.

    This is the operator's word: whether it pays is another.
    """
    await _put(writer, platform, "suspended", suspended)
    action = "platform.suspend" if suspended else "platform.resume"
    await writer.audit(action, platform.id, platform=platform.id)
    return replace(platform, suspended=suspended)


async def set_unpaid(writer: Writer, platform: Platform, *, unpaid: bool) -> Platform:
    """Keep a platform's keys from working until it pays, or let them work, now that it does."""
    await _put(writer, platform, "unpaid", unpaid)
    action = "platform.unpaid" if unpaid else "platform.paid"
    await writer.audit(action, platform.id, platform=platform.id)
    return replace(platform, unpaid=unpaid)


async def _put(writer: Writer, platform: Platform, column: str, value: bool) -> None:
    """Store one of the reasons, and announce it to the workers for each project."""
    query = update(platforms).where(platforms.c.id == platform.id)
    await writer.connection.execute(query.values({column: value}))
    owned = select(projects.c.id).where(projects.c.platform_id == platform.id)
    for project_id in (await writer.connection.execute(owned)).scalars():
        writer.changes.append(Change(Subject.PROJECT, project_id))

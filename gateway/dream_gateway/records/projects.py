"""Queries about platforms, projects and tiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from dream_gateway import keys
from dream_gateway.model import Alignment, Project
from dream_gateway.records.audit import difference
from dream_gateway.records.rows import plain, project_of, tier_of
from dream_gateway.records.schema import platforms, projects, tiers
from dream_gateway.storage import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Allowance, Mode, Tier
    from dream_gateway.records.database import Writer


async def create_platform(
    writer: Writer,
    name: str,
    *,
    mode: Mode,
    default_tier: str,
    allowances: Sequence[Allowance],
    publishable_key: str,
) -> Project:
    """Create a platform and its project."""
    platform_id, project_id = keys.mint_id("plt"), keys.mint_id("prj")
    run = writer.connection.execute
    await run(insert(platforms).values(id=platform_id, name=name, created_at=writer.now))
    await run(
        insert(projects).values(
            id=project_id,
            platform_id=platform_id,
            name=name,
            mode=mode.value,
            default_tier=default_tier,
            alignment=Alignment.ANNIVERSARY.value,
            allowances=plain(tuple(allowances)),
            publishable_key=publishable_key,
            created_at=writer.now,
        )
    )
    await writer.changed(Subject.PROJECT, project_id, "project.create", {"name": name})
    return Project(
        id=project_id,
        platform_id=platform_id,
        name=name,
        mode=mode,
        default_tier=default_tier,
        allowances=tuple(allowances),
        created_at=writer.now,
    )


async def find(connection: AsyncConnection, project_id: str) -> Project | None:
    """Return a project."""
    row = (
        (await connection.execute(_joined().where(projects.c.id == project_id))).mappings().first()
    )
    return None if row is None else project_of(row)


async def every(connection: AsyncConnection) -> list[tuple[str, Project]]:
    """Return every project with its platform's name, oldest first."""
    rows = (await connection.execute(_joined().order_by(projects.c.position))).mappings()
    return [(row["platform_name"], project_of(row)) for row in rows]


async def publishable_key(connection: AsyncConnection, project_id: str) -> str | None:
    """Return the project's current publishable key."""
    query = select(projects.c.publishable_key).where(projects.c.id == project_id)
    return (await connection.execute(query)).scalar()


async def tiers_of(connection: AsyncConnection, project_id: str) -> list[Tier]:
    """Return a project's tiers, in the order they were first given."""
    query = select(tiers).where(tiers.c.project_id == project_id).order_by(tiers.c.position)
    return [tier_of(row) for row in (await connection.execute(query)).mappings()]


async def set_tier(writer: Writer, project_id: str, tier: Tier) -> None:
    """Add a tier, or put it in the place of the one of that name."""
    here = (tiers.c.project_id == project_id) & (tiers.c.name == tier.name)
    run = writer.connection.execute
    old = (await run(select(tiers).where(here))).mappings().first()
    await run(delete(tiers).where(here))
    row = {"project_id": project_id, "name": tier.name, "definition": plain(tier)}
    await run(insert(tiers).values(row if old is None else {**row, "position": old["position"]}))
    before = None if old is None else plain(tier_of(old))
    details = difference(before, row["definition"], row["definition"])
    await writer.changed(Subject.TIER, project_id, "tier.set", {"tier": tier.name, **details})


def _joined() -> Select[tuple[object, ...]]:
    return select(
        projects, platforms.c.suspended, platforms.c.name.label("platform_name")
    ).join_from(projects, platforms)

"""Where a developer may go: their platforms, and every project in them.

Two queries, however many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from dream_gateway.model import Role
from dream_gateway.records.platforms import refused
from dream_gateway.records.rows import platform_of, project_of
from dream_gateway.records.schema import memberships, platforms, projects

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Platform, Project

MOST_PROJECTS = 200
"""Projects that are listed; a page still finds any other by its id."""


@dataclass(frozen=True, slots=True)
class Place:
    """A project, its platform, and what the developer may do there. Its `origins` are not read."""

    platform: Platform
    role: Role
    project: Project
    publishable_key: str | None


@dataclass(frozen=True, slots=True)
class Membership:
    """A platform, and what the developer may do there."""

    platform: Platform
    role: Role


async def platforms_of(connection: AsyncConnection, developer_id: str) -> list[Membership]:
    """Return a developer's platforms, the one they had for longest first."""
    query = (
        select(platforms, memberships.c.role)
        .join_from(memberships, platforms)
        .where(memberships.c.developer_id == developer_id)
        .order_by(memberships.c.position)
    )
    rows = (await connection.execute(query)).mappings()
    return [Membership(platform_of(row), Role(row["role"])) for row in rows]


async def projects_of(
    connection: AsyncConnection, parts: list[Membership], wanted: str | None
) -> list[Place]:
    """Return the projects of these platforms, in their order; the one that is `wanted` in any case."""
    by_id = {each.platform.id: each for each in parts}
    query = (
        select(projects, refused())
        .join_from(projects, platforms)
        .where(projects.c.platform_id.in_(by_id), projects.c.deleted_at.is_(None))
        .order_by((projects.c.id == wanted).desc(), projects.c.position)
        .limit(MOST_PROJECTS)
    )
    rows = (await connection.execute(query)).mappings()
    found = [(row["position"], project_of(row, ()), row["publishable_key"]) for row in rows]
    order = {platform_id: at for at, platform_id in enumerate(by_id)}
    found.sort(key=lambda each: (order[each[1].platform_id], each[0]))
    return [
        Place(by_id[project.platform_id].platform, by_id[project.platform_id].role, project, key)
        for _, project, key in found
    ]

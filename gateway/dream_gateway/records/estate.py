"""What an operator's gateway holds: every platform with its numbers, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from dream_gateway.records import platforms
from dream_gateway.records.rollup_schema import usage_rollups
from dream_gateway.records.schema import developers, end_users, projects
from dream_gateway.records.schema import platforms as platform_rows
from dream_gateway.series import UNITS, Granularity

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Platform


class Totals(NamedTuple):
    """How many there are, of all platforms; deleted ones are not counted."""

    platforms: int
    suspended: int
    unpaid: int
    projects: int
    customers: int
    developers: int


class Holding(NamedTuple):
    """A platform, and what it has; `units` are those since an instant."""

    platform: Platform
    projects: int
    customers: int
    units: int


async def totals(connection: AsyncConnection) -> Totals:
    """Return the totals."""
    counts = (
        select(func.count()).select_from(platform_rows),
        select(func.count()).where(platform_rows.c.suspended.is_(True)),
        select(func.count()).where(platform_rows.c.unpaid.is_(True)),
        select(func.count()).where(projects.c.deleted_at.is_(None)),
        select(func.count()).where(end_users.c.deleted_at.is_(None)),
        select(func.count()).select_from(developers),
    )
    query = select(*(count.scalar_subquery() for count in counts))
    return Totals(*map(int, (await connection.execute(query)).one()))


async def page(
    connection: AsyncConnection, after: str | None, limit: int, since: float
) -> list[Holding]:
    """Return at most `limit` platforms, oldest first, from the one after the id `after`."""
    found = await platforms.page(connection, after, limit)
    ids = [platform.id for platform in found]
    owned = projects.c.platform_id
    there = (owned.in_(ids), projects.c.deleted_at.is_(None))
    people = (
        select(owned, func.count(projects.c.id.distinct()), func.count(end_users.c.id))
        .join_from(
            projects,
            end_users,
            (end_users.c.project_id == projects.c.id) & end_users.c.deleted_at.is_(None),
            isouter=True,
        )
        .where(*there)
        .group_by(owned)
    )
    counts = {row[0]: (int(row[1]), int(row[2])) for row in await connection.execute(people)}
    use = (
        select(owned, func.sum(usage_rollups.c.value))
        .join_from(projects, usage_rollups, usage_rollups.c.project_id == projects.c.id)
        .where(
            owned.in_(ids),
            usage_rollups.c.granularity == Granularity.DAY.value,
            usage_rollups.c.start >= int(since),
            usage_rollups.c.metric == UNITS,
        )
        .group_by(owned)
    )
    units = {row[0]: int(row[1]) for row in await connection.execute(use)}
    return [Holding(each, *counts.get(each.id, (0, 0)), units.get(each.id, 0)) for each in found]

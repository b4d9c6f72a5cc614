"""Queries about what platforms pay the operator: one row for each, as the provider last said it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from dream_gateway.payments import SubscriptionStatus
from dream_gateway.records.billing_schema import platform_plans
from dream_gateway.records.rows import platform_of
from dream_gateway.records.schema import platforms

if TYPE_CHECKING:
    from sqlalchemy import RowMapping, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Platform
    from dream_gateway.records.database import Writer


@dataclass(frozen=True, slots=True)
class PlatformPlan:
    """What a platform pays. `payer_id` is who it is to the provider; no `status`: it never paid.

    `grace_until` is until when it is served without paying, `None` while it pays. `session_id` is the
    checkout that was opened last, under `session_key`. `ask_at` is when the provider is asked without
    any news. `version` counts the changes, 0 before it is stored.
    """

    platform_id: str
    payer_id: str | None = None
    subscription_id: str | None = None
    status: SubscriptionStatus | None = None
    period_end: float | None = None
    cancel_at: float | None = None
    grace_until: float | None = None
    session_id: str | None = None
    session_key: str | None = None
    ask_at: float | None = None
    version: int = 0


async def find(connection: AsyncConnection, platform_id: str) -> PlatformPlan | None:
    """Return what a platform pays, `None` for one that nobody asked yet."""
    return await _one(connection, _of(platform_id))


async def of_payer(connection: AsyncConnection, payer_id: str) -> PlatformPlan | None:
    """Return what somebody pays whom the provider knows as this."""
    query = select(platform_plans).where(platform_plans.c.payer_id == payer_id)
    return await _one(connection, query)


async def put(writer: Writer, plan: PlatformPlan) -> PlatformPlan:
    """Store what a platform pays over what was there; return it with its next version."""
    known, plan = plan.version > 0, replace(plan, version=plan.version + 1)
    here, run = platform_plans.c.platform_id == plan.platform_id, writer.connection.execute
    if known:
        await run(update(platform_plans).where(here).values(asdict(plan)))
    else:
        await run(insert(platform_plans).values(asdict(plan)))
    return plan


async def due(connection: AsyncConnection, now: float, limit: int) -> list[PlatformPlan]:
    """Return what is to be looked at by now, the one that waits longest first."""
    rows = (await connection.execute(_due(now, limit))).mappings()
    return [_plan(row) for row in rows]


async def take_due(writer: Writer, limit: int, lease_seconds: float) -> list[PlatformPlan]:
    """Take what is to be looked at: nobody else does so for a while."""
    locked = _due(writer.now, limit).with_for_update(skip_locked=True)
    found = [_plan(row) for row in (await writer.connection.execute(locked)).mappings()]
    query = update(platform_plans).where(
        platform_plans.c.platform_id.in_([each.platform_id for each in found])
    )
    await writer.connection.execute(query.values(ask_at=writer.now + lease_seconds))
    return found


async def strangers(connection: AsyncConnection, limit: int) -> list[Platform]:
    """Return platforms that nobody asked to pay yet, oldest first."""
    query = select(platforms).join_from(platforms, platform_plans, isouter=True)
    query = query.where(platform_plans.c.platform_id.is_(None)).order_by(platforms.c.created_at)
    return [platform_of(row) for row in (await connection.execute(query.limit(limit))).mappings()]


async def unpaid(connection: AsyncConnection, limit: int) -> list[Platform]:
    """Return platforms that are refused because they do not pay."""
    query = select(platforms).where(platforms.c.unpaid).limit(limit)
    return [platform_of(row) for row in (await connection.execute(query)).mappings()]


def _of(platform_id: str) -> Select[tuple[object, ...]]:
    return select(platform_plans).where(platform_plans.c.platform_id == platform_id)


def _due(now: float, limit: int) -> Select[tuple[object, ...]]:
    query = select(platform_plans).where(platform_plans.c.ask_at <= now)
    return query.order_by(platform_plans.c.ask_at).limit(limit)


async def _one(
    connection: AsyncConnection, query: Select[tuple[object, ...]]
) -> PlatformPlan | None:
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _plan(row)


def _plan(row: RowMapping) -> PlatformPlan:
    status = None if row["status"] is None else SubscriptionStatus(row["status"])
    return PlatformPlan(**{**row, "status": status})

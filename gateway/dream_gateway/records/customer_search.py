"""Queries that find customers for people: by a text, a plan and a status, in an order, page by page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, func, null, or_, select

from dream_gateway.records.rollup_schema import customer_usage
from dream_gateway.records.rows import customer_of
from dream_gateway.records.schema import end_users
from dream_gateway.series import Granularity, start_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Customer

TEXTS = (end_users.c.external_id, end_users.c.email, end_users.c.first_name, end_users.c.last_name)
"""What a text is looked for in, whatever its case."""

NO_SUBSCRIPTION = "none"
CANCELLING = "cancelling"
"""Statuses that are no words of the provider's."""


class Order(StrEnum):
    """Who comes first. `USAGE`: who used most units in this calendar month, UTC."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"
    USAGE = "usage"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which customers are wanted: those that fit all that is not empty."""

    text: str = ""
    plan: str = ""
    status: str = ""
    order: Order = Order.NEWEST


async def count(connection: AsyncConnection, project_id: str, wanted: Wanted) -> int:
    """Return how many there are."""
    query = select(func.count()).select_from(end_users).where(_fits(project_id, wanted))
    return int((await connection.execute(query)).scalar_one())


async def page(
    connection: AsyncConnection, project_id: str, wanted: Wanted, now: float, span: tuple[int, int]
) -> list[Customer]:
    """Return those in the half-open span of places, counted from zero."""
    query = _ordered(select(end_users).where(_fits(project_id, wanted)), wanted.order, now)
    query = query.offset(span[0]).limit(span[1] - span[0])
    return [customer_of(row) for row in (await connection.execute(query)).mappings()]


class Place(NamedTuple):
    """Where a customer is in an order: what it goes by, and their position, which no other has."""

    key: str | int | None
    position: int


async def following(
    connection: AsyncConnection,
    project_id: str,
    wanted: Wanted,
    now: float,
    *,
    after: Place | None,
    limit: int,
) -> list[tuple[Customer, Place]]:
    """Return at most `limit` customers after a place in the order, each with theirs.

    Nobody is passed over or comes twice because others come or go meanwhile; by usage, only who
    used something meanwhile may.
    """
    key, down = _sorting(wanted.order)
    query = select(end_users, key.label("sorted_by")).where(_fits(project_id, wanted))
    if after is not None:
        query = query.where(_beyond(key, after, down=down))
    query = _ordered(query, wanted.order, now).limit(limit)
    rows = (await connection.execute(query)).mappings()
    return [(customer_of(row), Place(row["sorted_by"], row["position"])) for row in rows]


async def on_plans(connection: AsyncConnection, project_id: str) -> Counter[str]:
    """Return how many customers are on each plan."""
    user = end_users.c
    query = select(user.plan, func.count().label("number")).where(
        user.project_id == project_id, user.deleted_at.is_(None)
    )
    rows = await connection.execute(query.group_by(user.plan))
    return Counter({row.plan: row.number for row in rows})


def _ordered(
    query: Select[tuple[object, ...]], order: Order, now: float
) -> Select[tuple[object, ...]]:
    key, down = _sorting(order)
    position = end_users.c.position
    by = [position] if key is position else [key, position]
    return _joined(query, order, now).order_by(*(each.desc() if down else each for each in by))


def _sorting(order: Order) -> tuple[ColumnElement[Any], bool]:
    """Return what an order goes by, before the position, and whether it goes down."""
    return {
        Order.NEWEST: (end_users.c.position, True),
        Order.OLDEST: (end_users.c.position, False),
        Order.NAME: (func.lower(end_users.c.external_id), False),
        Order.USAGE: (func.coalesce(customer_usage.c.units, 0), True),
    }[order]


def _beyond(key: ColumnElement[Any], after: Place, *, down: bool) -> ColumnElement[bool]:
    position = end_users.c.position
    if key is position:
        return position < after.position if down else position > after.position
    if down:
        return or_(key < after.key, and_(key == after.key, position < after.position))
    return or_(key > after.key, and_(key == after.key, position > after.position))


def _joined(
    query: Select[tuple[object, ...]], order: Order, now: float
) -> Select[tuple[object, ...]]:
    """Return a query with what its order goes by."""
    if order is not Order.USAGE:
        return query
    user, used = end_users.c, customer_usage.c
    this_month = and_(
        used.project_id == user.project_id,
        used.customer_id == user.id,
        used.granularity == Granularity.MONTH.value,
        used.start == start_of(Granularity.MONTH, now),
    )
    return query.join_from(end_users, customer_usage, this_month, isouter=True)


def _fits(project_id: str, wanted: Wanted) -> ColumnElement[bool]:
    user = end_users.c
    found: list[ColumnElement[bool]] = [user.project_id == project_id, user.deleted_at.is_(None)]
    if wanted.text:
        text = wanted.text.lower()
        within = [func.lower(each).contains(text, autoescape=True) for each in TEXTS]
        found.append(or_(user.id == wanted.text, *within))
    if wanted.plan:
        found.append(user.plan == wanted.plan)
    if wanted.status:
        found.append(_has(wanted.status))
    return and_(*found)


def _has(status: str) -> ColumnElement[bool]:
    subscription = end_users.c.subscription
    word: ColumnElement[str] = subscription["status"].as_string()
    if status == NO_SUBSCRIPTION:
        return subscription.is_(null())
    if status == CANCELLING:
        ends = subscription["cancel_at"].as_string().is_not(None)
        return and_(ends, word.in_(["active", "trialing"]))
    return word == status

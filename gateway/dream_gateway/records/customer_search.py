"""Queries that find customers for people: by a text, a plan and a status, in an order, page by page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, func, literal, null, or_, select, union_all

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
SUSPENDED = "suspended"
"""Statuses that are no words of the provider's; the last is the customer's own."""


class Order(StrEnum):
    """Who comes first. `USAGE`: who used most units in this calendar month, UTC."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"
    USAGE = "usage"


SORTING: dict[Order, tuple[ColumnElement[Any], bool]] = {
    Order.NEWEST: (end_users.c.position, True),
    Order.OLDEST: (end_users.c.position, False),
    Order.NAME: (func.lower(end_users.c.external_id), False),
}
"""What an order goes by, before the position, and whether it goes down; for `USAGE` see `_by_usage`."""


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
    rows = await connection.execute(_sorted(project_id, wanted, now, span))
    return [customer_of(row) for row in rows.mappings()]


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
    rows = await connection.execute(_sorted(project_id, wanted, now, (0, limit), after))
    return [(customer_of(row), Place(row["sorted_by"], row["position"])) for row in rows.mappings()]


async def on_plans(connection: AsyncConnection, project_id: str) -> Counter[str]:
    """Return how many customers are on each plan."""
    user = end_users.c
    query = select(user.plan, func.count().label("number")).where(
        user.project_id == project_id, user.deleted_at.is_(None)
    )
    rows = await connection.execute(query.group_by(user.plan))
    return Counter({row.plan: row.number for row in rows})


def _sorted(
    project_id: str,
    wanted: Wanted,
    now: float,
    span: tuple[int, int],
    after: Place | None = None,
) -> Select[tuple[object, ...]]:
    """Return the query for a span of those after a place, or of all."""
    if wanted.order is Order.USAGE:
        return _by_usage(project_id, wanted, now, span, after)
    key, down = SORTING[wanted.order]
    position = end_users.c.position
    query = select(end_users, key.label("sorted_by")).where(_fits(project_id, wanted))
    if after is not None:
        query = query.where(_beyond(key, position, after, down=down))
    by = [position] if key is position else [key, position]
    query = query.order_by(*(each.desc() if down else each for each in by))
    return query.offset(span[0]).limit(span[1] - span[0])


def _by_usage(
    project_id: str, wanted: Wanted, now: float, span: tuple[int, int], after: Place | None
) -> Select[tuple[object, ...]]:
    """Return the query for those who used most.

    Both tables are added up by customer, and not joined: where a database does not know yet how many
    used anything (in a month that has just begun), it would join them row by row.
    """
    user, used = end_users.c, customer_usage.c
    everybody = select(user.id, user.position, literal(0).label("units"))
    this_month = select(used.customer_id, null(), used.units).where(
        used.project_id == project_id,
        used.granularity == Granularity.MONTH.value,
        used.start == start_of(Granularity.MONTH, now),
    )
    both = union_all(everybody.where(_fits(project_id, wanted)), this_month).subquery()
    position, units = func.max(both.c.position), func.sum(both.c.units)
    some = (
        select(both.c.id, position.label("position"), units.label("units"))
        .group_by(both.c.id)
        .having(position.is_not(None))
    )
    if after is not None:
        some = some.having(_beyond(units, position, after, down=True))
    some = some.order_by(units.desc(), position.desc())
    few = some.offset(span[0]).limit(span[1] - span[0]).subquery()
    rows = select(end_users, few.c.units.label("sorted_by")).join(few, few.c.id == user.id)
    return rows.order_by(few.c.units.desc(), few.c.position.desc())


def _beyond(
    key: ColumnElement[Any], position: ColumnElement[Any], after: Place, *, down: bool
) -> ColumnElement[bool]:
    """Tell who comes after a place in an order that goes by `key`, then by the position."""
    if down:
        further, behind = key < after.key, position < after.position
    else:
        further, behind = key > after.key, position > after.position
    return behind if key is position else or_(further, and_(key == after.key, behind))


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
    if status == SUSPENDED:
        return end_users.c.suspended.is_(True)
    subscription = end_users.c.subscription
    word: ColumnElement[str] = subscription["status"].as_string()
    if status == NO_SUBSCRIPTION:
        return subscription.is_(null())
    if status == CANCELLING:
        ends = subscription["cancel_at"].as_string().is_not(None)
        return and_(ends, word.in_(["active", "trialing"]))
    return word == status

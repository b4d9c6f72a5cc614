"""Queries about how projects do: customers, subscriptions and what they bring in, sales.

Each is one statement, however many projects it is about and whatever they have.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from dream_gateway.model import Interval
from dream_gateway.payments import SubscriptionStatus
from dream_gateway.records.billing_schema import orders
from dream_gateway.records.orders import OrderStatus
from dream_gateway.records.rollup_schema import customer_usage, usage_rollups
from dream_gateway.records.rollups import Used, any_kind, plus
from dream_gateway.records.schema import end_users, platforms, subscriptions
from dream_gateway.series import DENIED, REQUESTS, UNITS, Granularity, is_of, start_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

MONTHS = {Interval.MONTH: Fraction(1), Interval.YEAR: Fraction(12)}
"""How long what is paid for lasts; the rest are days."""

DAYS = {Interval.DAY: 1, Interval.WEEK: 7}
DAYS_OF_A_MONTH = Fraction(365, 12)

KINDS = (REQUESTS, UNITS, DENIED)
"""In the order of `Used`."""

SOLD = (OrderStatus.PAID, OrderStatus.REFUNDED, OrderStatus.DISPUTED)
"""Orders that were paid; what went back is taken off."""


@dataclass(slots=True)
class Subscribed:
    """The subscriptions of a project. Each is in one of the numbers.

    `active` go on, `cancelling` are active and to end. `mrr` is the monthly recurring revenue of those
    that are active and go on, by currency, in its minor unit: what differs is never added up.
    """

    active: int = 0
    cancelling: int = 0
    trialing: int = 0
    past_due: int = 0
    other: int = 0
    mrr: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Sold:
    """The orders that were paid: how many, and what they brought in by currency, less refunds."""

    count: int = 0
    revenue: dict[str, int] = field(default_factory=dict)


async def customers(connection: AsyncConnection, project_ids: Collection[str]) -> Mapping[str, int]:
    """Return how many customers each project has."""
    owner = end_users.c.project_id
    query = select(owner, func.count()).where(
        owner.in_(sorted(project_ids)), end_users.c.deleted_at.is_(None)
    )
    rows = await connection.execute(query.group_by(owner))
    return Counter({project: int(number) for project, number in rows})


async def subscribed(
    connection: AsyncConnection, project_ids: Collection[str], now: float
) -> Mapping[str, Subscribed]:
    """Return the subscriptions of each project as they are now."""
    at = subscriptions.c
    ends = at.cancel_at.is_not(None).label("ends")
    kinds = (at.project_id, at.status, at.currency, at.interval, at.interval_count, ends)
    query = (
        select(*kinds, func.count(), func.sum(at.amount * at.quantity))
        .where(at.project_id.in_(sorted(project_ids)))
        # One that was to end by now is over, though nobody told yet.
        .where(or_(at.cancel_at.is_(None), at.cancel_at > now))
        .group_by(*kinds)
    )
    found = {project: Subscribed() for project in project_ids}
    monthly: dict[tuple[str, str], Fraction] = {}
    for (
        project,
        status,
        currency,
        interval,
        count,
        ending,
        number,
        total,
    ) in await connection.execute(query):
        if _add(found[project], status, int(number), ends=bool(ending)):
            key = (project, currency)
            paid = int(total) / _months(Interval(interval), count)
            monthly[key] = monthly.get(key, Fraction(0)) + paid
    for (project, currency), amount in sorted(monthly.items()):
        found[project].mrr[currency] = rounded(amount)
    return found


async def sold(connection: AsyncConnection, project_ids: Collection[str]) -> Mapping[str, Sold]:
    """Return the sales of each project."""
    at = orders.c
    query = (
        select(at.project_id, at.currency, func.count(), func.sum(at.amount - at.refunded))
        .where(at.project_id.in_(sorted(project_ids)), at.status.in_([s.value for s in SOLD]))
        .group_by(at.project_id, at.currency)
    )
    found = {project: Sold() for project in project_ids}
    for project, currency, number, total in await connection.execute(query):
        found[project].count += int(number)
        found[project].revenue[currency] = int(total)
    return found


async def used(
    connection: AsyncConnection, project_ids: Collection[str], now: float
) -> Mapping[str, Used]:
    """Return what each project did in the calendar's month so far, from the sums of its days."""
    at = usage_rollups.c
    query = (
        select(at.project_id, at.metric, func.sum(at.value))
        .where(at.project_id.in_(sorted(project_ids)), at.granularity == Granularity.DAY.value)
        .where(at.start >= start_of(Granularity.MONTH, now), any_kind(KINDS))
        .group_by(at.project_id, at.metric)
    )
    found = {project: Used() for project in project_ids}
    for project, metric, total in await connection.execute(query):
        numbers = [int(total) if is_of(metric, kind) else 0 for kind in KINDS]
        found[project] = plus(found[project], Used(*numbers))
    return found


async def active(
    connection: AsyncConnection, project_ids: Collection[str], now: float
) -> Mapping[str, int]:
    """Return how many customers of each project did anything in the calendar's month so far."""
    row = customer_usage.c
    query = select(row.project_id, func.count()).where(
        row.granularity == Granularity.MONTH.value,
        row.start == start_of(Granularity.MONTH, now),
        row.project_id.in_(sorted(project_ids)),
    )
    rows = await connection.execute(query.group_by(row.project_id))
    return Counter({project: int(number) for project, number in rows})


async def platforms_there(connection: AsyncConnection) -> tuple[int, int]:
    """Return how many platforms there are, and how many of them are suspended."""
    suspended = func.count().filter(platforms.c.suspended.is_(True))
    query = select(func.count(), suspended).select_from(platforms)
    number, kept_out = (await connection.execute(query)).one()
    return int(number), int(kept_out)


def rounded(amount: Fraction) -> int:
    """Return an amount in whole minor units, halves up."""
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def together(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return amounts by currency, added up for each."""
    sums: Counter[str] = Counter()
    for part in parts:
        sums.update(part)
    return dict(sorted(sums.items()))


def _add(found: Subscribed, status: str, number: int, *, ends: bool) -> bool:
    """Count subscriptions; tell whether they bring in anything month after month."""
    match SubscriptionStatus(status), ends:
        case SubscriptionStatus.ACTIVE, False:
            found.active += number
            return True
        case SubscriptionStatus.ACTIVE, True:
            found.cancelling += number
        case SubscriptionStatus.TRIALING, _:
            found.trialing += number
        case SubscriptionStatus.PAST_DUE, _:
            found.past_due += number
        case _:
            found.other += number
    return False


def _months(interval: Interval, count: int) -> Fraction:
    whole = MONTHS.get(interval)
    return count * (DAYS[interval] / DAYS_OF_A_MONTH if whole is None else whole)

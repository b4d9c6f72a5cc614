"""Queries about how projects do: customers, subscriptions and what they bring in, sales.

Each is one statement, however many projects it is about and whatever they have. They tell of some
projects by id, or with `None` of all that are there, by mode: ids of all may be more than a statement
takes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from dream_gateway.model import Interval, Mode
from dream_gateway.payments import SubscriptionStatus
from dream_gateway.records.billing_schema import orders
from dream_gateway.records.orders import OrderStatus
from dream_gateway.records.rollup_schema import customer_usage, usage_rollups
from dream_gateway.records.rollups import Used, any_kind, plus
from dream_gateway.records.schema import end_users, projects, subscriptions
from dream_gateway.series import DENIED, REQUESTS, UNITS, Granularity, is_of, start_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy import ColumnElement, Select
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


async def customers(
    connection: AsyncConnection, project_ids: Collection[str] | None
) -> Mapping[str, int]:
    """Return how many customers each project has."""
    query = select(func.count()).select_from(end_users).where(end_users.c.deleted_at.is_(None))
    rows = await connection.execute(_told(query, end_users.c.project_id, project_ids))
    return Counter({owner: int(number) for number, owner in rows})


async def subscribed(
    connection: AsyncConnection, project_ids: Collection[str] | None, now: float
) -> Mapping[str, Subscribed]:
    """Return the subscriptions of each project as they are now."""
    at = subscriptions.c
    ends = at.cancel_at.is_not(None).label("ends")
    kinds = (at.status, at.currency, at.interval, at.interval_count, ends)
    query = (
        select(*kinds, func.count(), func.sum(at.amount * at.quantity))
        .select_from(subscriptions)
        # One that was to end by now is over, though nobody told yet.
        .where(or_(at.cancel_at.is_(None), at.cancel_at > now))
        .group_by(*kinds)
    )
    found = {owner: Subscribed() for owner in _owners(project_ids)}
    monthly: dict[tuple[str, str], Fraction] = {}
    for (
        status,
        currency,
        interval,
        count,
        ending,
        number,
        total,
        owner,
    ) in await connection.execute(_told(query, at.project_id, project_ids)):
        if _add(found[owner], status, int(number), ends=bool(ending)):
            key = (owner, currency)
            paid = int(total) / _months(Interval(interval), count)
            monthly[key] = monthly.get(key, Fraction(0)) + paid
    for (owner, currency), amount in sorted(monthly.items()):
        found[owner].mrr[currency] = rounded(amount)
    return found


async def sold(
    connection: AsyncConnection, project_ids: Collection[str] | None
) -> Mapping[str, Sold]:
    """Return the sales of each project."""
    at = orders.c
    query = (
        select(at.currency, func.count(), func.sum(at.amount - at.refunded))
        .select_from(orders)
        .where(at.status.in_([s.value for s in SOLD]))
        .group_by(at.currency)
    )
    found = {owner: Sold() for owner in _owners(project_ids)}
    rows = await connection.execute(_told(query, at.project_id, project_ids))
    for currency, number, total, owner in rows:
        found[owner].count += int(number)
        found[owner].revenue[currency] = int(total)
    return found


async def used(
    connection: AsyncConnection, project_ids: Collection[str] | None, now: float
) -> Mapping[str, Used]:
    """Return what each project did in the calendar's month so far, from the sums of its days."""
    at = usage_rollups.c
    query = (
        select(at.metric, func.sum(at.value))
        .select_from(usage_rollups)
        .where(at.granularity == Granularity.DAY.value)
        .where(at.start >= start_of(Granularity.MONTH, now), any_kind(KINDS))
        .group_by(at.metric)
    )
    found = {owner: Used() for owner in _owners(project_ids)}
    rows = await connection.execute(_told(query, at.project_id, project_ids))
    for metric, total, owner in rows:
        numbers = [int(total) if is_of(metric, kind) else 0 for kind in KINDS]
        found[owner] = plus(found[owner], Used(*numbers))
    return found


async def active(
    connection: AsyncConnection, project_ids: Collection[str] | None, now: float
) -> Mapping[str, int]:
    """Return how many customers of each project did anything in the calendar's month so far."""
    row = customer_usage.c
    query = (
        select(func.count())
        .select_from(customer_usage)
        .where(row.granularity == Granularity.MONTH.value)
        .where(row.start == start_of(Granularity.MONTH, now))
    )
    rows = await connection.execute(_told(query, row.project_id, project_ids))
    return Counter({owner: int(number) for number, owner in rows})


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


def _owners(project_ids: Collection[str] | None) -> Collection[str]:
    return [mode.value for mode in Mode] if project_ids is None else project_ids


def _told(
    query: Select[Any], project_id: ColumnElement[str], project_ids: Collection[str] | None
) -> Select[Any]:
    """Return a query's numbers by project, or by mode, which is the last column."""
    if project_ids is not None:
        here = query.add_columns(project_id).where(project_id.in_(sorted(project_ids)))
        return here.group_by(project_id)
    all_there = query.join(projects, projects.c.id == project_id)
    mode = projects.c.mode
    return all_there.add_columns(mode).where(projects.c.deleted_at.is_(None)).group_by(mode)


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

"""What is known of projects, as the dashboard's routes tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dream_gateway import series
from dream_gateway.model import KeyKind, Mode
from dream_gateway.records import figures
from dream_gateway.records.rollups import Used
from dream_gateway.series import Granularity
from dream_gateway.service.dashboard_shapes import (
    AmountView,
    CustomerUsageView,
    EventView,
    FiguresView,
    MaskedKeyView,
    PointView,
    UpstreamView,
    WorkerView,
)
from dream_gateway.service.values import instant, optional_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Credential, Customer, Project, Usage
    from dream_gateway.records.figures import Sold, Subscribed
    from dream_gateway.records.inbox import Received
    from dream_gateway.records.reports import WorkerReport
    from dream_gateway.records.rollups import Point
    from dream_gateway.records.subscriptions import Mirrored

NO_CURRENCY = "usd"
"""What nothing is told in."""

UNITS = {series.UNITS: "units", series.REFUNDED: "units", series.LATENCY: "answers"}
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Figures(NamedTuple):
    """How a project does, as it is counted."""

    customers: int
    subscribed: Subscribed
    sold: Sold
    used: Used
    active: int


async def figures_of(
    connection: AsyncConnection, project_ids: Sequence[str] | None, now: float
) -> dict[str, Figures]:
    """Return how each project does, or (`None`) all of each mode: five queries, however many."""
    people = await figures.customers(connection, project_ids)
    subscribed = await figures.subscribed(connection, project_ids, now)
    sold = await figures.sold(connection, project_ids)
    used = await figures.used(connection, project_ids, now)
    active = await figures.active(connection, project_ids, now)
    return {
        each: Figures(people[each], subscribed[each], sold[each], used[each], active[each])
        for each in subscribed
    }


def figures_view(parts: Iterable[Figures], now: float) -> FiguresView:
    """Return how projects do together."""
    parts = list(parts)
    subscribed = [part.subscribed for part in parts]
    mrr = figures.together(each.mrr for each in subscribed)
    revenue = figures.together(part.sold.revenue for part in parts)
    main, store = _main(mrr), _main(revenue)
    used = Used(*map(sum, zip(*(part.used for part in parts), strict=True))) if parts else Used()
    return FiguresView(
        customers=sum(part.customers for part in parts),
        active_customers=sum(part.active for part in parts),
        active_subs=sum(each.active + each.cancelling for each in subscribed),
        canceling_subs=sum(each.cancelling for each in subscribed),
        trialing_subs=sum(each.trialing for each in subscribed),
        past_due_subs=sum(each.past_due for each in subscribed),
        mrr=mrr.get(main, 0),
        currency=main,
        mrr_by_currency=_amounts(mrr),
        usage_this_period=used.units,
        requests_this_period=used.requests,
        denied_this_period=used.denied,
        store_sales_count=sum(part.sold.count for part in parts),
        store_total_revenue=revenue.get(store, 0),
        store_currency=store,
        store_revenue_by_currency=_amounts(revenue),
        period_start=instant(series.start_of(Granularity.MONTH, now)),
    )


def of_mode(
    projects: Iterable[Project], found: Mapping[str, Figures], mode: Mode, now: float
) -> FiguresView:
    """Return how the projects of one mode do together."""
    return figures_view([found[each.id] for each in projects if each.mode is mode], now)


def customer_view(
    customer: Customer, usage: Usage | None, subscription: Mirrored | None
) -> CustomerUsageView:
    """Return a customer with what they use and pay."""
    sub, period = subscription, None if usage is None else usage.period
    limit = None if usage is None else usage.limit
    return CustomerUsageView(
        id=customer.id,
        user_id=customer.external_id,
        email=customer.email,
        plan=customer.plan,
        suspended=customer.suspended,
        status="none" if sub is None else sub.status.value,
        usage_count=0 if usage is None else usage.used,
        limit="unlimited" if limit is None else limit,
        period_start=None if period is None else instant(period.start),
        period_end=None if period is None else optional_instant(period.end),
        current_period_end=None if sub is None else optional_instant(sub.period_end),
        cancel_at=None if sub is None else optional_instant(sub.cancel_at),
        canceled_at=None if sub is None else optional_instant(sub.canceled_at),
        subscription_id=None if sub is None else sub.subscription_id,
        stripe_customer_id=None if sub is None else sub.payer_id,
        price_id=None if sub is None else sub.price_id,
        amount=None if sub is None else sub.amount * sub.quantity,
        currency=None if sub is None else sub.currency,
        created_at=instant(customer.created_at),
    )


def masked(key: Credential) -> str:
    """Return as much of a key as tells it from others."""
    return f"{key.prefix}...{key.last4}"


def masked_view(key: Credential) -> MaskedKeyView:
    """Return a key of a project's own."""
    return MaskedKeyView(
        key_id=key.id,
        kind="secret" if key.kind is KeyKind.SECRET else "publishable",
        name=key.name,
        masked=masked(key),
        status=key.status.value,
        created_at=instant(key.created_at),
        last_used_at=optional_instant(key.last_used_at),
        expires_at=optional_instant(key.expires_at),
    )


def event_view(event: Received) -> EventView:
    """Return an event of a payment provider."""
    return EventView(
        id=event.event_id,
        type=event.type,
        status=event.status.value,
        created_at=instant(event.created_at),
        received_at=instant(event.received_at),
        fault=event.fault,
    )


def point_views(kind: str, points: Sequence[Point], starts: Sequence[int]) -> list[PointView]:
    """Return a point for each start, with what was counted of a kind of metric since it."""
    by_start: dict[int, dict[str, int]] = {start: {} for start in starts}
    for point in points:
        if point.start in by_start:
            by_start[point.start][point.metric] = point.value
    return [_point(kind, start, counts) for start, counts in by_start.items()]


def worker_view(report: WorkerReport) -> WorkerView:
    """Return what a worker said of itself."""
    told = report.report
    return WorkerView(
        worker=report.worker,
        at=instant(report.at),
        leases=told["leases"],
        leased_units=told["leasedUnits"],
        upstreams=[UpstreamView(**each) for each in told["upstreams"]],
    )


def _point(kind: str, start: int, counts: Mapping[str, int]) -> PointView:
    point = PointView(start=instant(start), value=sum(counts.values()))
    if kind == series.DENIED:
        point.by_code = {metric.partition(".")[2]: n for metric, n in sorted(counts.items())}
    if kind == series.LATENCY and counts:
        for name, share in SHARES.items():
            setattr(point, name, series.quantile(counts, share))
    return point


def _main(amounts: Mapping[str, int]) -> str:
    return max(amounts, key=lambda currency: amounts[currency], default=NO_CURRENCY)


def _amounts(amounts: Mapping[str, int]) -> list[AmountView]:
    return [AmountView(currency=name, amount=amount) for name, amount in amounts.items()]

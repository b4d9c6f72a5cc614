"""What `/api/dashboard` answers. Amounts are in the currency's minor unit, and never of several."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Literal

from msgspec import field

from dream_gateway.model import Mode, ProjectType  # noqa: TC001 # and these
from dream_gateway.series import Granularity  # noqa: TC001 # and this
from dream_gateway.service.catalogue_shapes import TierView  # noqa: TC001 # and this
from dream_gateway.service.values import DEFAULT_PAGE, Cursor, Instant, PageSize, Shape, Unlimited

Metric = Literal["requests", "units", "refunded", "denied", "latency"]
SpanName = Literal["minute", "hour", "day"]


class DashboardQuery(Shape):
    """Which page of customers to tell of."""

    limit: PageSize = DEFAULT_PAGE
    cursor: Cursor | None = None


class AmountView(Shape):
    """An amount in one currency."""

    currency: str
    amount: int


class FiguresView(Shape):
    """How a project does. The period is the calendar's month (UTC), so far.

    `mrr` is the monthly recurring revenue of active subscriptions that are not to end, in `currency`:
    the one that brings in most; `mrrByCurrency` has all. `activeSubs`, `cancelingSubs`, `trialingSubs`
    and `pastDueSubs` count each subscription once. Sales are of orders that were paid, less refunds.
    """

    customers: int
    active_customers: int
    active_subs: int
    canceling_subs: int
    trialing_subs: int
    past_due_subs: int
    mrr: int
    currency: str
    mrr_by_currency: list[AmountView]
    usage_this_period: int
    requests_this_period: int
    denied_this_period: int
    store_sales_count: int
    store_total_revenue: int
    store_currency: str
    store_revenue_by_currency: list[AmountView]
    period_start: datetime


class CustomerUsageView(Shape):
    """A customer with their usage and newest subscription; `status` is `none` without one.

    `userId` is the developer's own id of them.
    """

    id: str
    user_id: str
    email: str | None
    plan: str
    suspended: bool
    status: str
    usage_count: int
    limit: int | Unlimited
    period_start: datetime | None
    period_end: datetime | None
    current_period_end: datetime | None
    cancel_at: datetime | None
    canceled_at: datetime | None
    subscription_id: str | None
    stripe_customer_id: str | None
    price_id: str | None
    amount: int | None
    currency: str | None
    created_at: datetime


class MaskedKeyView(Shape):
    """A key of the project's own, as much as may be shown of it."""

    key_id: str
    kind: str
    name: str
    masked: str
    status: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class KeysView(Shape):
    """The project's keys; secret ones are masked. `stripeAccountId` is the connected account."""

    publishable_key: str | None
    secret_key_masked: str | None
    platform_id: str
    api_keys: list[MaskedKeyView]
    stripe_account_id: str | None


class EventView(Shape):
    """An event that the payment provider sent, and what became of it."""

    id: str
    type: str
    status: str
    created_at: datetime
    received_at: datetime
    fault: str | None


class WebhookView(Shape):
    """The newest events of the payment provider."""

    last_event_at: datetime | None
    recent: list[EventView]


class Dashboard(Shape):
    """How a project does, and a page of its customers, oldest first."""

    metrics: FiguresView
    customers: list[CustomerUsageView]
    next_cursor: str | None
    has_more: bool
    tiers: list[TierView]
    keys: KeysView
    webhook: WebhookView


class ProjectFigures(Shape):
    """How one project does."""

    id: str
    name: str
    mode: Mode
    type: ProjectType
    metrics: FiguresView


class Totals(Shape):
    """How projects do, each and together: those of test mode are never added to those that are live."""

    projects: list[ProjectFigures]
    live: FiguresView
    test: FiguresView


class SeriesQuery(Shape):
    """Which series: `from` is included, `to` is not; without them, the latest that make a chart."""

    metric: Metric = "requests"
    granularity: SpanName = "day"
    since: Instant | None = field(name="from", default=None)
    until: Instant | None = field(name="to", default=None)


class PointView(Shape, omit_defaults=True):
    """What was counted in the span that begins at `start`.

    `byCode` tells refusals by their error's code. `p50`, `p95` and `p99` are seconds until the
    answer of the API began, of a sample of requests that `value` is the size of.
    """

    start: datetime
    value: int
    by_code: dict[str, int] | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class SeriesView(Shape):
    """A series without gaps: a span in which nothing happened has its point too."""

    metric: str
    unit: str
    granularity: Granularity
    points: list[PointView]


class UpstreamView(Shape):
    """How an upstream does, as one worker sees it: over the last minute or two.

    `p50` and `p95` are seconds until answers began, of `sampled` requests; `errors` answers of 500
    and up; `failures` connections that could not be made, or broke off.
    """

    url: str
    connections: int
    pending: int
    waiting: int
    ejected: bool
    sampled: int
    errors: int
    failures: int
    p50: float | None
    p95: float | None


class WorkerView(Shape):
    """What a worker said of itself at `at`: counters on lease, units it holds, its upstreams."""

    worker: str
    at: datetime
    leases: int
    leased_units: int
    upstreams: list[UpstreamView]


class PartHealth(Shape):
    """Whether a part of the worker that answers works; `detail` says why not."""

    ok: bool
    detail: str | None


class Overview(Shape):
    """How the gateway does: all platforms together, the parts of this worker, and every worker."""

    platforms: int
    suspended_platforms: int
    projects: int
    live: FiguresView
    test: FiguresView
    denied: dict[str, int]
    parts: dict[str, PartHealth]
    workers: list[WorkerView]

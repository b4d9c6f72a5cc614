"""What the service reads and writes, as its OpenAPI document says. Made by `scripts/client`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

__all__ = [
    "AmountView",
    "BatchAnswer",
    "BatchEvent",
    "CartAnswer",
    "CartItem",
    "CheckoutAnswer",
    "CountedUsage",
    "CustomerAnswer",
    "CustomerPage",
    "CustomerUsageView",
    "CustomerView",
    "Dashboard",
    "DeliveryView",
    "DispatchStatus",
    "EndpointList",
    "EndpointSecret",
    "EndpointStatus",
    "EndpointView",
    "EventResult",
    "EventView",
    "FaultView",
    "FiguresView",
    "Granularity",
    "Interval",
    "KeyPage",
    "KeySecret",
    "KeyStatus",
    "KeyView",
    "KeysView",
    "MaskedKeyView",
    "MessagePage",
    "MessageView",
    "Mode",
    "OrderLineView",
    "OrderPage",
    "OrderView",
    "OverageShape",
    "PointView",
    "PortalAnswer",
    "ProblemView",
    "ProductList",
    "ProductView",
    "ProjectFigures",
    "ProjectType",
    "Queued",
    "RateShape",
    "RateView",
    "Replayed",
    "SeriesView",
    "SignedInView",
    "SubscriptionView",
    "TierList",
    "TierView",
    "Totals",
    "TrackAnswer",
    "UsageView",
    "VerifiedCustomer",
    "VerifyAnswer",
    "VoidAnswer",
    "WebhookView",
]

DispatchStatus = Literal["delivered", "failed", "pending"]
"""What became of a message on its way to one endpoint."""

EndpointStatus = Literal["disabled", "enabled"]
"""Whether an endpoint is sent to. One that is disabled gets what it missed by a replay."""

Granularity = Literal["day", "hour", "minute", "month"]
"""How long the spans are that are added up. Projects have no months, customers only long ones."""

Interval = Literal["day", "hour", "lifetime", "minute", "month", "second", "week", "year"]
"""How long a quota's period, or the denominator of a rate, is."""

KeyStatus = Literal["active", "disabled", "revoked"]
"""Whether a key works. `REVOKED` is final; `DISABLED` may be undone."""

Mode = Literal["live", "test"]
"""Whether a project's keys and data are for trying out or for real; the two share nothing."""

ProjectType = Literal["saas", "store"]
"""What a project sells: access by subscription, or products."""


class AmountView(TypedDict):
    """An amount in one currency."""

    currency: str
    amount: int


class BatchAnswer(TypedDict):
    """The results in the order of the events; `success` if all of them are."""

    success: bool
    results: list[EventResult]


class BatchEvent(TypedDict):
    """One usage event; `plan` is the tier of a user who is new."""

    userId: str
    idempotencyKey: str
    cost: NotRequired[int]
    plan: NotRequired[str | None]


class CartAnswer(TypedDict):
    """The page to send the buyer to, and until when the stock is held for them."""

    url: str
    sessionId: str
    orderId: str
    expiresAt: str


class CartItem(TypedDict):
    """So many of a product, which is named by its price."""

    priceId: str
    quantity: NotRequired[int]


class CheckoutAnswer(TypedDict):
    """Where to send the customer, and what it comes to that they chose this tier.

    `change` is `checkout` if they have to pay first, on the page `url`. For one who pays already
    there is no session, and `url` is where they come back to: the change is made `now`, or will be at
    `effectiveAt` (`period_end`), or what they have goes on, and nothing is scheduled (`kept`).
    """

    url: str
    sessionId: str | None
    change: Literal["checkout", "kept", "now", "period_end"]
    effectiveAt: str | None


class CountedUsage(TypedDict):
    """Usage after it was charged; `count` is `usageCount` by its other name.

    `overage` is there where the tier has a price for units beyond `limit`.
    """

    userId: str
    plan: str
    count: int
    usageCount: int
    limit: int | Literal["unlimited"]
    remaining: int | Literal["unlimited"]
    periodStart: str | None
    periodEnd: str | None
    overage: NotRequired[int]


class CustomerAnswer(TypedDict):
    """One customer."""

    success: Literal[True]
    customer: CustomerView


class CustomerPage(TypedDict):
    """A page of customers, oldest first."""

    data: list[CustomerView]
    nextCursor: str | None
    hasMore: bool


class CustomerUsageView(TypedDict):
    """A customer with their usage and newest subscription; `status` is `none` without one.

    `userId` is the developer's own id of them.
    """

    id: str
    userId: str
    email: str | None
    plan: str
    status: str
    usageCount: int
    limit: int | Literal["unlimited"]
    periodStart: str | None
    periodEnd: str | None
    currentPeriodEnd: str | None
    cancelAt: str | None
    canceledAt: str | None
    subscriptionId: str | None
    stripeCustomerId: str | None
    priceId: str | None
    amount: int | None
    currency: str | None
    createdAt: str


class CustomerView(TypedDict):
    """A customer."""

    id: str
    externalId: str
    email: str | None
    firstName: str | None
    lastName: str | None
    plan: str
    publishableKey: str | None
    subscription: SubscriptionView | None
    metadata: dict[str, Any]
    createdAt: str


class Dashboard(TypedDict):
    """How a project does, and a page of its customers, oldest first."""

    metrics: FiguresView
    customers: list[CustomerUsageView]
    nextCursor: str | None
    hasMore: bool
    tiers: list[TierView]
    keys: KeysView
    webhook: WebhookView


class DeliveryView(TypedDict):
    """How a message fares at one endpoint. `responseStatus` is of the last answer, if any came."""

    endpointId: str
    status: DispatchStatus
    attempts: int
    lastAttemptAt: str | None
    nextAttemptAt: str | None
    responseStatus: int | None
    error: str | None


class EndpointList(TypedDict):
    """Every endpoint of the project, oldest first."""

    endpoints: list[EndpointView]


class EndpointSecret(TypedDict):
    """An endpoint with a new secret, which is shown here and never again (`replayed`: not again)."""

    id: str
    url: str
    description: str
    types: list[str]
    status: EndpointStatus
    error: str | None
    failingSince: str | None
    previousSecretUntil: str | None
    createdAt: str
    secret: NotRequired[str | None]
    replayed: NotRequired[bool]


class EndpointView(TypedDict):
    """An endpoint, without its secret. `error` says why the gateway disabled it.

    `failingSince` is the first failure since the last delivery. Messages are signed with the secret
    before this one, too, until `previousSecretUntil`.
    """

    id: str
    url: str
    description: str
    types: list[str]
    status: EndpointStatus
    error: str | None
    failingSince: str | None
    previousSecretUntil: str | None
    createdAt: str


class EventResult(TypedDict):
    """What became of one event: `code` is `recorded`, `duplicate`, or that of an error."""

    success: bool
    code: str
    status: int
    detail: NotRequired[str | None]
    eventId: NotRequired[str | None]
    duplicate: NotRequired[bool | None]
    usage: NotRequired[CountedUsage | None]
    retryAfter: NotRequired[float | None]
    errors: NotRequired[list[FaultView] | None]


class EventView(TypedDict):
    """An event that the payment provider sent, and what became of it."""

    id: str
    type: str
    status: str
    createdAt: str
    receivedAt: str
    fault: str | None


class FaultView(TypedDict):
    """What is wrong with the value at a JSON pointer (RFC 6901)."""

    pointer: str
    detail: str


class FiguresView(TypedDict):
    """How a project does. The period is the calendar's month (UTC), so far.

    `mrr` is the monthly recurring revenue of active subscriptions that are not to end, in `currency`:
    the one that brings in most; `mrrByCurrency` has all. `activeSubs`, `cancelingSubs`, `trialingSubs`
    and `pastDueSubs` count each subscription once. Sales are of orders that were paid, less refunds.
    """

    customers: int
    activeCustomers: int
    activeSubs: int
    cancelingSubs: int
    trialingSubs: int
    pastDueSubs: int
    mrr: int
    currency: str
    mrrByCurrency: list[AmountView]
    usageThisPeriod: int
    requestsThisPeriod: int
    deniedThisPeriod: int
    storeSalesCount: int
    storeTotalRevenue: int
    storeCurrency: str
    storeRevenueByCurrency: list[AmountView]
    periodStart: str


class KeyPage(TypedDict):
    """A page of keys, oldest first, revoked ones too."""

    data: list[KeyView]
    nextCursor: str | None
    hasMore: bool


class KeySecret(TypedDict):
    """A key just made. `key` is its secret: it is shown here and never again.

    A replay of the request (`replayed`) has no `key`, nor has a key that came as a digest.
    """

    keyId: str
    customerId: str | None
    name: str
    prefix: str
    last4: str
    scopes: list[str]
    status: KeyStatus
    expiresAt: str | None
    allowedIps: list[str]
    rate: RateView | None
    metadata: dict[str, Any]
    createdAt: str
    key: NotRequired[str | None]
    replayed: NotRequired[bool]


class KeyView(TypedDict):
    """A key, without its secret, which is not kept."""

    keyId: str
    customerId: str | None
    name: str
    prefix: str
    last4: str
    scopes: list[str]
    status: KeyStatus
    expiresAt: str | None
    allowedIps: list[str]
    rate: RateView | None
    metadata: dict[str, Any]
    createdAt: str


class KeysView(TypedDict):
    """The project's keys; secret ones are masked. `stripeAccountId` is the connected account."""

    publishableKey: str | None
    secretKeyMasked: str | None
    platformId: str
    apiKeys: list[MaskedKeyView]
    stripeAccountId: str | None


class MaskedKeyView(TypedDict):
    """A key of the project's own, as much as may be shown of it."""

    keyId: str
    kind: str
    name: str
    masked: str
    status: str
    createdAt: str
    expiresAt: str | None


class MessagePage(TypedDict):
    """A page of messages, newest first."""

    data: list[MessageView]
    nextCursor: str | None
    hasMore: bool


class MessageView(TypedDict):
    """A message: `payload` is what is posted, and `id` its `webhook-id`."""

    id: str
    type: str
    createdAt: str
    payload: dict[str, Any]
    deliveries: list[DeliveryView]


class OrderLineView(TypedDict):
    """So many of a product, at the price it had."""

    productId: str
    name: str
    quantity: int
    unitAmount: int


class OrderPage(TypedDict):
    """A page of orders, newest first."""

    data: list[OrderView]
    nextCursor: str | None
    hasMore: bool


class OrderView(TypedDict):
    """An order. `customerId` is `null` for a guest; `refunded` is what went back of `amount`."""

    id: str
    status: Literal["disputed", "expired", "failed", "open", "paid", "paying", "refunded"]
    amount: int
    refunded: int
    currency: str
    customerId: str | None
    email: str | None
    lines: list[OrderLineView]
    paymentId: str | None
    createdAt: str
    expiresAt: str
    settledAt: str | None


class OverageShape(TypedDict):
    """What use beyond the limit costs: `price` for each `per` units."""

    price: int
    per: NotRequired[int]


class PointView(TypedDict):
    """What was counted in the span that begins at `start`.

    `byCode` tells refusals by their error's code. `p50`, `p95` and `p99` are seconds until the
    answer of the API began, of a sample of requests that `value` is the size of.
    """

    start: str
    value: int
    byCode: NotRequired[dict[str, int] | None]
    p50: NotRequired[float | None]
    p95: NotRequired[float | None]
    p99: NotRequired[float | None]


class PortalAnswer(TypedDict):
    """The page to send the customer to."""

    url: str


class ProblemView(TypedDict):
    """A problem (RFC 9457). `error` and `message` say `code` and `detail` again."""

    type: str
    title: str
    status: int
    detail: str
    instance: NotRequired[str]
    code: str
    requestId: str
    error: str
    message: str
    errors: NotRequired[list[dict[str, Any]]]
    policy: NotRequired[str]
    usageCount: NotRequired[int]
    limit: NotRequired[int | None]


class ProductList(TypedDict):
    """Every product of the project."""

    products: list[ProductView]


class ProductView(TypedDict):
    """A product. `soldOut` is true too where nothing is left."""

    id: str
    name: str
    displayName: str
    description: str
    price: int
    currency: str
    imageUrl: str | None
    inventory: int | None
    soldOut: bool
    priceId: str | None
    productId: str | None
    features: list[str]
    createdAt: str


class ProjectFigures(TypedDict):
    """How one project does."""

    id: str
    name: str
    mode: Mode
    type: ProjectType
    metrics: FiguresView


class Queued(TypedDict):
    """The message that is on its way."""

    success: Literal[True]
    messageId: str


class RateShape(TypedDict):
    """A rate: `limit` units per `interval`, `burst` of them at once (default: `limit`)."""

    limit: int
    interval: Literal["day", "hour", "minute", "second"]
    burst: NotRequired[int | None]


class RateView(TypedDict):
    """A rate in force: `limit` units per `interval`, `burst` of them at once."""

    limit: int
    interval: Interval
    burst: int | None


class Replayed(TypedDict):
    """How many messages are on their way."""

    success: Literal[True]
    replayed: int


class SeriesView(TypedDict):
    """A series without gaps: a span in which nothing happened has its point too."""

    metric: str
    unit: str
    granularity: Granularity
    points: list[PointView]


class SignedInView(TypedDict):
    """An access token, until when it holds, and whose it is."""

    token: str
    tokenType: str
    expiresAt: str
    userId: str
    email: str


class SubscriptionView(TypedDict):
    """What a customer pays for. One that was cancelled is theirs until `cancelAt`.

    `status` is the provider's word: `active`, `trialing`, `past_due`, `canceled` and others. From
    `scheduledAt` on it is for the tier `scheduledPlan`.
    """

    plan: str | None
    status: str
    currentPeriodEnd: str | None
    cancelAt: str | None
    canceledAt: str | None
    trialEnd: str | None
    scheduledPlan: str | None
    scheduledAt: str | None


class TierList(TypedDict):
    """Every tier of the project."""

    tiers: list[TierView]


class TierView(TypedDict):
    """A tier. `price` is in the currency's minor unit, per `billingInterval`; `limit` per `interval`."""

    name: str
    displayName: str
    price: int
    currency: str
    limit: int | Literal["unlimited"]
    interval: Interval | None
    rate: RateView | None
    priceId: str | None
    productId: str | None
    features: list[str]
    popular: bool
    trialDays: int
    overage: OverageShape | None
    billingInterval: Interval


class Totals(TypedDict):
    """How projects do, each and together: those of test mode are never added to those that are live."""

    projects: list[ProjectFigures]
    live: FiguresView
    test: FiguresView


class TrackAnswer(TypedDict):
    """The charge was made. `eventId` and `duplicate` are there with an `Idempotency-Key`."""

    success: Literal[True]
    usage: CountedUsage
    eventId: NotRequired[str | None]
    duplicate: NotRequired[bool | None]


class UsageView(TypedDict):
    """Usage of the current period.

    Units that other workers hold on lease count as used, so it is exact once traffic has been idle
    for a second, and never too low. `overage` are the units beyond `limit`, where the tier has a
    price for them: they are paid, and not refused. `subscription` is there for one who pays or did,
    where usage is what was asked for.
    """

    userId: str
    plan: str
    usageCount: int
    limit: int | Literal["unlimited"]
    remaining: int | Literal["unlimited"]
    periodStart: str | None
    periodEnd: str | None
    overage: NotRequired[int]
    subscription: NotRequired[SubscriptionView]


class VerifiedCustomer(TypedDict):
    """Whose key it is."""

    id: str
    externalId: str


class VerifyAnswer(TypedDict):
    """Whether the key may be used now; a refusal is an answer, and consumed nothing.

    `code` is `allowed`, or that of the refusal. `retryAfter` is seconds, when waiting helps.
    """

    allowed: bool
    code: str
    keyId: str | None
    customer: VerifiedCustomer | None
    plan: str | None
    scopes: list[str]
    usage: UsageView | None
    policy: str | None
    retryAfter: float | None


class VoidAnswer(TypedDict):
    """`amount` units of the event were taken back."""

    success: Literal[True]
    eventId: str
    voidId: str
    amount: int
    duplicate: bool


class WebhookView(TypedDict):
    """The newest events of the payment provider."""

    lastEventAt: str | None
    recent: list[EventView]

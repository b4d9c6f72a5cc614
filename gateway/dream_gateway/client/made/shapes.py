"""What the service reads and writes, as its OpenAPI document says. Made by `scripts/client`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

__all__ = [
    "Alignment",
    "Alive",
    "AmountView",
    "AuditPage",
    "AuditView",
    "BatchAnswer",
    "BatchEvent",
    "BrandingShape",
    "CartAnswer",
    "CartItem",
    "CatalogueView",
    "CheckoutAnswer",
    "ConnectAnswer",
    "ConnectionList",
    "ConnectionView",
    "CountedUsage",
    "CredentialPage",
    "CredentialSecret",
    "CredentialView",
    "CustomerAnswer",
    "CustomerPage",
    "CustomerUsageView",
    "CustomerView",
    "Dashboard",
    "DeliveryView",
    "DeveloperView",
    "DispatchStatus",
    "DriftReport",
    "DriftView",
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
    "ListingView",
    "MaskedKeyView",
    "MemberPage",
    "MemberView",
    "MessagePage",
    "MessageView",
    "Mode",
    "OnboardingAnswer",
    "OrderLineView",
    "OrderPage",
    "OrderView",
    "OverageShape",
    "Overview",
    "Part",
    "PartHealth",
    "PlanAnswer",
    "PlanPortalAnswer",
    "PlanView",
    "PlatformAnswer",
    "PlatformPage",
    "PlatformView",
    "PointView",
    "PortalAnswer",
    "ProblemView",
    "ProductList",
    "ProductView",
    "ProjectAnswer",
    "ProjectFigures",
    "ProjectPage",
    "ProjectType",
    "ProjectView",
    "Queued",
    "RateShape",
    "RateView",
    "Readiness",
    "Replayed",
    "Role",
    "SeriesView",
    "SignedInView",
    "StandingList",
    "StandingView",
    "SubscriptionView",
    "TierList",
    "TierView",
    "Totals",
    "TrackAnswer",
    "UpstreamView",
    "UsageView",
    "VerifiedCustomer",
    "VerifyAnswer",
    "VoidAnswer",
    "WebhookView",
    "WorkerView",
]

Alignment = Literal["anniversary", "calendar"]
"""Where a customer's periods start: at the anniversary of their start, or with the calendar."""

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

Role = Literal["admin", "member", "owner"]
"""What a developer may do with a platform: each may do what those before it may.

    A member looks; an admin changes projects and keys; an owner decides about members too."""


class Alive(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class AmountView(TypedDict):
    """An amount in one currency."""

    currency: str
    amount: int


class AuditPage(TypedDict):
    """A page of the audit log, newest first."""

    data: list[AuditView]
    nextCursor: str | None
    hasMore: bool


class AuditView(TypedDict):
    """One change: who (`actor`, an id) did what (`action`) to what (`object`, an id)."""

    at: str
    actor: str
    action: str
    object: str
    projectId: str | None
    requestId: str | None
    details: dict[str, Any]


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


class BrandingShape(TypedDict):
    """How the project's own pages look."""

    displayName: NotRequired[str]
    colours: NotRequired[dict[str, str]]
    logoUrl: NotRequired[str | None]


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


class CatalogueView(TypedDict):
    """Whether the provider has the catalogue as it is here; `fault` is why not."""

    status: Literal["done", "failed", "never", "pending"]
    fault: str | None
    pushedAt: str | None
    onSale: list[ListingView]


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


class ConnectAnswer(TypedDict):
    """The provider's page to send the developer to, once, until `expiresAt`."""

    url: str
    state: str
    expiresAt: str


class ConnectionList(TypedDict):
    """A platform's accounts, at most one for each mode."""

    connections: list[ConnectionView]


class ConnectionView(TypedDict):
    """A platform's account at the provider. Without `charges` it cannot take money yet."""

    mode: Mode
    accountId: str
    status: Literal["active", "deauthorized", "onboarding"]
    charges: bool
    changedAt: str


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


class CredentialPage(TypedDict):
    """A page of the project's own keys, oldest first, revoked ones too."""

    data: list[CredentialView]
    nextCursor: str | None
    hasMore: bool


class CredentialSecret(TypedDict):
    """A key just made. `key` is shown here and never again; a replay (`replayed`) has none."""

    keyId: str
    kind: Literal["pk", "sk"]
    name: str
    masked: str
    status: KeyStatus
    expiresAt: str | None
    createdAt: str
    lastUsedAt: str | None
    key: NotRequired[str | None]
    replayed: NotRequired[bool]


class CredentialView(TypedDict):
    """One of the project's own keys. `masked` is what people can tell it by.

    `lastUsedAt` is of a secret key, and true to about a minute.
    """

    keyId: str
    kind: Literal["pk", "sk"]
    name: str
    masked: str
    status: KeyStatus
    expiresAt: str | None
    createdAt: str
    lastUsedAt: str | None


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
    suspended: bool
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
    suspended: bool
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


class DeveloperView(TypedDict):
    """The developer who asks."""

    id: str
    email: str | None
    firstName: str | None
    lastName: str | None
    createdAt: str


class DriftReport(TypedDict):
    """What is otherwise at the provider than here, asked for right now."""

    drift: list[DriftView]


class DriftView(TypedDict):
    """What is otherwise at the provider: `missing`, `unwanted`, or `different` in some fields."""

    kind: Literal["overage", "product", "tier"]
    ref: str
    problem: Literal["different", "missing", "unwanted"]
    fields: list[str]


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
    lastUsedAt: str | None
    key: NotRequired[str | None]
    replayed: NotRequired[bool]


class KeyView(TypedDict):
    """A key, without its secret, which is not kept. `lastUsedAt` is true to about a minute."""

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
    lastUsedAt: str | None


class KeysView(TypedDict):
    """The project's keys; secret ones are masked. `stripeAccountId` is the connected account."""

    publishableKey: str | None
    secretKeyMasked: str | None
    platformId: str
    apiKeys: list[MaskedKeyView]
    stripeAccountId: str | None


class ListingView(TypedDict):
    """What new buyers get. `ref` is the tier's name or the product's id."""

    kind: Literal["overage", "product", "tier"]
    ref: str
    priceId: str
    productId: str
    amount: int
    currency: str
    interval: Interval | None


class MaskedKeyView(TypedDict):
    """A key of the project's own, as much as may be shown of it."""

    keyId: str
    kind: str
    name: str
    masked: str
    status: str
    createdAt: str
    lastUsedAt: str | None
    expiresAt: str | None


class MemberPage(TypedDict):
    """A page of members, oldest first."""

    data: list[MemberView]
    nextCursor: str | None
    hasMore: bool


class MemberView(TypedDict):
    """A member. `developerId` is `null` until the one who was invited signs in."""

    id: str
    developerId: str | None
    email: str | None
    role: Role
    createdAt: str


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


class OnboardingAnswer(TypedDict):
    """The provider's page where the developer completes the account; it works once."""

    accountId: str
    url: str
    expiresAt: str


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


class Overview(TypedDict):
    """How the gateway does: all platforms together, the parts of this worker, and every worker."""

    platforms: int
    suspendedPlatforms: int
    projects: int
    live: FiguresView
    test: FiguresView
    denied: dict[str, int]
    parts: dict[str, PartHealth]
    workers: list[WorkerView]


class Part(TypedDict):
    """One thing the gateway needs."""

    ok: bool
    detail: NotRequired[str | None]


class PartHealth(TypedDict):
    """Whether a part of the worker that answers works; `detail` says why not."""

    ok: bool
    detail: str | None


class PlanAnswer(TypedDict):
    """The page on which the plan is paid."""

    url: str
    sessionId: str


class PlanPortalAnswer(TypedDict):
    """The page on which the platform sees and changes what it pays."""

    url: str


class PlanView(TypedDict):
    """What the platform pays the operator for its plan.

    `status` is the payment provider's word, `null` before the first payment. While it is not `paid`,
    the platform is served until `graceUntil`; once it is `unpaid`, its keys are refused.
    """

    required: bool
    paid: bool
    unpaid: bool
    status: str | None
    currentPeriodEnd: str | None
    cancelAt: str | None
    graceUntil: str | None


class PlatformAnswer(TypedDict):
    """A platform, and what the caller may do with it; the operator is no developer."""

    platform: PlatformView
    developer: DeveloperView | None
    role: Role


class PlatformPage(TypedDict):
    """A page of platforms, oldest first."""

    data: list[PlatformView]
    nextCursor: str | None
    hasMore: bool


class PlatformView(TypedDict):
    """A platform: one developer's business, apart from every other's.

    The operator's word is `suspended`; `unpaid` is that its plan is not paid. Either has it refused.
    """

    id: str
    name: str
    suspended: bool
    unpaid: bool
    createdAt: str


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


class ProjectAnswer(TypedDict):
    """A project just made. `secretKey` is shown here and never again.

    There is none in a replay of the request (`replayed`), or where the project was there before.
    """

    project: ProjectView
    secretKey: NotRequired[str | None]
    replayed: NotRequired[bool]


class ProjectFigures(TypedDict):
    """How one project does."""

    id: str
    name: str
    mode: Mode
    type: ProjectType
    metrics: FiguresView


class ProjectPage(TypedDict):
    """A page of projects, oldest first."""

    data: list[ProjectView]
    nextCursor: str | None
    hasMore: bool


class ProjectView(TypedDict):
    """A project. `promotedFrom` is the test project that a live one was made from."""

    id: str
    platformId: str
    name: str
    type: ProjectType
    mode: Mode
    defaultTier: str
    alignment: Alignment
    publishableKey: str | None
    origins: list[str]
    branding: BrandingShape
    promotedFrom: str | None
    suspended: bool
    createdAt: str
    deletedAt: str | None


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


class Readiness(TypedDict):
    """Whether this worker can serve, and which part of it cannot."""

    ready: bool
    parts: dict[str, Part]


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


class StandingList(TypedDict):
    """Every platform that the developer has a part in, the one they had for longest first."""

    data: list[StandingView]


class StandingView(TypedDict):
    """A platform that the developer has a part in."""

    platform: PlatformView
    role: Role


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


class UpstreamView(TypedDict):
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


class WorkerView(TypedDict):
    """What a worker said of itself at `at`: counters on lease, units it holds, its upstreams."""

    worker: str
    at: str
    leases: int
    leasedUnits: int
    upstreams: list[UpstreamView]

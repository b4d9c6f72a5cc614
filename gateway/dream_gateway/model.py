"""The domain's values: frozen, slotted, and free of behaviour that needs I/O.

Instants are seconds since the epoch, UTC. Costs and limits are whole units.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

UNLIMITED = None
"""The limit of an allowance that is counted but never refused."""


class Mode(StrEnum):
    """Whether a project's keys and data are for trying out or for real; the two share nothing."""

    TEST = "test"
    LIVE = "live"


class ProjectType(StrEnum):
    """What a project sells: access by subscription, or products."""

    SAAS = "saas"
    STORE = "store"


class Role(StrEnum):
    """What a developer may do with a platform: each may do what those before it may.

    A member looks; an admin changes projects and keys; an owner decides about members too.
    """

    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


class KeyKind(StrEnum):
    """What a key may do; the value is the key's own prefix."""

    SECRET = "sk"  # noqa: S105 - a prefix, not a secret
    PUBLISHABLE = "pk"
    CUSTOMER = "ak"


class KeyStatus(StrEnum):
    """Whether a key works. `REVOKED` is final; `DISABLED` may be undone."""

    ACTIVE = "active"
    DISABLED = "disabled"
    REVOKED = "revoked"


class Interval(StrEnum):
    """How long a quota's period, or the denominator of a rate, is."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


BILLING_INTERVALS = (Interval.MONTH, Interval.YEAR)
"""How often a subscription is paid."""


class AllowanceKind(StrEnum):
    """`QUOTA`: so many units per period. `RATE`: a sustained rate with a burst (GCRA)."""

    QUOTA = "quota"
    RATE = "rate"


class Scope(StrEnum):
    """Who shares an allowance's counter."""

    KEY = "key"
    CUSTOMER = "customer"
    PROJECT = "project"


class Alignment(StrEnum):
    """Where a customer's periods start: at the anniversary of their start, or with the calendar."""

    ANNIVERSARY = "anniversary"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span of time, `[start, end)`, in whole seconds since the epoch, UTC.

    `end` is `None` for a lifetime.
    """

    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Allowance:
    """A limit on cost: `limit` units per `interval`, `None` when unlimited.

    `burst` is how many units a rate admits at once, from rest; a quota has none.
    """

    kind: AllowanceKind
    limit: int | None
    interval: Interval
    burst: int | None = None


@dataclass(frozen=True, slots=True)
class Overage:
    """What use beyond a quota costs: `price` minor units for each `per` units."""

    price: int
    per: int = 1


@dataclass(frozen=True, slots=True)
class Tier:
    """A plan customers are on: the allowances each of them has, each with counters of its own.

    With `overage` the first quota tells what the price includes: it is counted, and never refused.
    `price` is for each `billing_interval`: a month or a year.
    """

    name: str
    allowances: tuple[Allowance, ...]
    display_name: str = ""
    price: int = 0
    currency: str = "usd"
    features: tuple[str, ...] = ()
    popular: bool = False
    trial_days: int = 0
    price_id: str | None = None
    product_id: str | None = None
    overage: Overage | None = None
    billing_interval: Interval = Interval.MONTH

    @property
    def quota(self) -> Allowance | None:
        """The first quota, which usage answers are about; `None` if there is none."""
        return next((a for a in self.allowances if a.kind is AllowanceKind.QUOTA), None)

    @property
    def rate(self) -> Allowance | None:
        """The first rate; `None` if there is none."""
        return next((a for a in self.allowances if a.kind is AllowanceKind.RATE), None)

    @property
    def refusing(self) -> tuple[Allowance, ...]:
        """The allowances by what they refuse: the quota that overage is paid beyond has no limit."""
        if self.overage is None or self.quota is None:
            return self.allowances
        at = self.allowances.index(self.quota)
        paid = replace(self.quota, limit=UNLIMITED)
        return (*self.allowances[:at], paid, *self.allowances[at + 1 :])


@dataclass(frozen=True, slots=True)
class Product:
    """Something a store sells. `price` is in the currency's minor unit.

    `inventory` is the units in stock, `None` if they are not counted. `sold_out` is the developer's
    own word, whatever is in stock.
    """

    id: str
    project_id: str
    name: str
    price: int
    currency: str
    created_at: float
    display_name: str = ""
    description: str = ""
    image_url: str | None = None
    inventory: int | None = None
    sold_out: bool = False
    features: tuple[str, ...] = ()
    price_id: str | None = None
    product_id: str | None = None


@dataclass(frozen=True, slots=True)
class Branding:
    """How a project's own pages look. `colours` are `#rrggbb` by what they are for."""

    display_name: str = ""
    colours: dict[str, str] = field(default_factory=dict)
    logo_url: str | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """One developer's business: what it owns is apart from every other's.

    The operator's word is `suspended`; `unpaid` is that it does not pay the operator's plan.
    """

    id: str
    name: str
    created_at: float
    suspended: bool = False
    unpaid: bool = False


@dataclass(frozen=True, slots=True)
class Developer:
    """Somebody who owns or works on platforms, as their identity provider names them."""

    id: str
    issuer: str
    subject: str
    created_at: float
    email: str | None = None
    email_verified: bool = False
    first_name: str | None = None
    last_name: str | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """A developer's part in a platform; `developer_id` is `None` until the one invited signs in."""

    id: str
    platform_id: str
    developer_id: str | None
    email: str | None
    role: Role
    created_at: float


@dataclass(frozen=True, slots=True)
class Project:
    """One API of one platform, in one mode. `allowances` are shared by all of its customers.

    `origins` are the web origins (RFC 6454) whose pages may use the publishable key, and where
    people may be sent back to. `promoted_from` is the test project a live one was last made from.
    """

    id: str
    platform_id: str
    name: str
    mode: Mode
    default_tier: str
    alignment: Alignment = Alignment.ANNIVERSARY
    allowances: tuple[Allowance, ...] = ()
    suspended: bool = False
    created_at: float = 0.0
    type: ProjectType = ProjectType.SAAS
    origins: tuple[str, ...] = ()
    branding: Branding = field(default_factory=Branding)
    promoted_from: str | None = None
    deleted_at: float | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """How a customer's subscription stands, for people; `status` is the provider's word.

    It ends at `cancel_at`, which was decided at `canceled_at`. From `scheduled_at` on it is for the
    tier `scheduled_plan`. Use beyond the tier's quota is paid for only if it is `metered`.
    """

    plan: str | None
    status: str
    current_period_end: float | None
    cancel_at: float | None = None
    canceled_at: float | None = None
    trial_end: float | None = None
    scheduled_plan: str | None = None
    scheduled_at: float | None = None
    metered: bool = False


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who calls the developer's API; `external_id` is the developer's own name for them.

    `anchor` is when their periods start; a paid customer's is their subscription item's. While they are
    `suspended` they are refused, and keep their keys and what they used.
    """

    id: str
    project_id: str
    external_id: str
    plan: str
    anchor: float
    created_at: float
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    metadata: dict[str, object] = field(default_factory=dict)
    subscription: Subscription | None = None
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """A key as stored: never its secret, only the digest that finds it.

    `expires_at` is `None` for a key without an end. `allowed_ips` holds CIDR blocks; empty means any.
    `rate` is this key's own rate, beside its customer's. `last_used_at` is about a minute behind, and
    in memory as it was when the key was read.
    """

    id: str
    kind: KeyKind
    project_id: str
    prefix: str
    last4: str
    created_at: float
    customer_id: str | None = None
    name: str = ""
    scopes: tuple[str, ...] = ()
    status: KeyStatus = KeyStatus.ACTIVE
    expires_at: float | None = None
    allowed_ips: tuple[str, ...] = ()
    rate: Allowance | None = None
    metadata: dict[str, object] = field(default_factory=dict)
    last_used_at: float | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, for the audit log: the id of a key or a developer, or a word for others.

    `request` is the id of the request that asked for it, `None` where there was none.
    """

    id: str
    request: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a customer has used of their quota in the current period.

    Units beyond the limit are refused, unless `is_paid_beyond` says that they are paid for. `used`
    counts admitted units, and units other workers hold on lease as if they were spent: an upper bound
    while traffic flows, exact once it has been idle for the lease's idle time.
    """

    used: int
    limit: int | None
    period: Period
    is_paid_beyond: bool = False

    @property
    def remaining(self) -> int | None:
        """Units left, never negative; `None` when unlimited."""
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def overage(self) -> int | None:
        """Units beyond the limit; `None` where there can be none."""
        if not self.is_paid_beyond or self.limit is None:
            return None
        return max(0, self.used - self.limit)


@dataclass(slots=True)
class PolicyState:
    """One limit as it stood right after a verdict, for headers and refusals.

    `window` is the length of the period in seconds (`None`: lifetime). `remaining` is a lower bound
    as of the worker's last exchange with the ledger. `reset` is the seconds until more is to be had:
    the rest of a quota's period, or the time until a rate's bucket is full again.
    """

    name: str
    limit: int
    window: int | None
    remaining: int
    reset: float


@dataclass(slots=True)
class Verdict:
    """The answer to "may this request pass?": a denial is a value, with the code of its error.

    `code` is `allowed`, or the code of the refusal in `dream_gateway.errors`. What could not be
    resolved (the customer of an unknown key) is `None`. `usage` is about the customer's quota.
    `violated` names the limit that refused; `retry_after` is seconds, when waiting helps.
    """

    allowed: bool
    code: str
    cost: int
    credential: Credential | None = None
    project: Project | None = None
    customer: Customer | None = None
    tier: Tier | None = None
    usage: Usage | None = None
    policies: tuple[PolicyState, ...] = ()
    violated: PolicyState | None = None
    retry_after: float | None = None
    receipt: object = None
    """What the meter needs to refund this admission; opaque."""

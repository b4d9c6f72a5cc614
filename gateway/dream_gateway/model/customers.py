"""Who calls a developer's API, and the keys they do it with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from dream_gateway.model.allowances import Allowance  # noqa: TC001 # msgspec reads the annotations


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

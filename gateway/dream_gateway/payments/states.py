"""How subscriptions, checkouts and payments stand: the truth, whatever an event said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dream_gateway.model import Interval


class SubscriptionStatus(StrEnum):
    """Where a subscription stands; what it gives access to is told by `billing.access`."""

    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class ScheduledChange:
    """Another price from `at` on."""

    price_id: str
    at: float


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A subscription as the provider has it right now: the truth, whatever an event said.

    `amount` is per `interval` and unit; `price_ids` are all of its items', the licensed one first.
    `cancel_at` is when it ends, if that is decided; `canceled_at` when that was.
    """

    id: str
    customer_id: str
    status: SubscriptionStatus
    price_ids: tuple[str, ...]
    amount: int
    currency: str
    interval: Interval
    interval_count: int
    quantity: int
    period_start: float
    period_end: float
    created_at: float
    cancel_at: float | None = None
    canceled_at: float | None = None
    ended_at: float | None = None
    trial_end: float | None = None
    scheduled: ScheduledChange | None = None


class CheckoutStatus(StrEnum):
    """How a checkout stands. `PAYING`: completed, and the money is still on its way."""

    OPEN = "open"
    PAYING = "paying"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """A checkout as the provider has it right now."""

    id: str
    status: CheckoutStatus
    amount: int
    currency: str
    subscription_id: str | None = None
    payment_id: str | None = None
    customer_id: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentState:
    """A payment as the provider has it right now; `refunded` is what went back of `amount`."""

    id: str
    amount: int
    currency: str
    refunded: int
    disputed: bool

"""What Stripe's objects are in the gateway's terms. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from dream_gateway.model import Interval
from dream_gateway.payments import (
    AccountState,
    CheckoutState,
    CheckoutStatus,
    PaymentState,
    ScheduledChange,
    SubscriptionState,
)
from dream_gateway_stripe.shapes import PaymentIntent

if TYPE_CHECKING:
    from dream_gateway_stripe.shapes import (
        ConnectedAccount,
        Item,
        Payment,
        Price,
        Session,
        Subscription,
    )

ON_ITS_WAY = frozenset({"processing", "requires_capture", "requires_action"})
"""How a payment stands that may still come, after its checkout was completed."""

RUNNING = frozenset({"not_started", "active"})
"""How a schedule stands that still changes its subscription."""


def amount_of(price: Price) -> int:
    """Return a price's amount in minor units; of fractions of one, the nearest whole number."""
    if price.unit_amount is not None:
        return price.unit_amount
    exact = Decimal(price.unit_amount_decimal or 0)
    return int(exact.to_integral_value(ROUND_HALF_EVEN))


def ordered(items: tuple[Item, ...]) -> list[Item]:
    """Return a subscription's items, the licensed ones first."""
    return sorted(items, key=lambda item: item.price.is_metered)


def subscription_state(found: Subscription) -> SubscriptionState:
    """Return where a subscription stands. Its period is that of its first item."""
    items = ordered(found.items.data)
    first = items[0]
    recurring = first.price.recurring
    return SubscriptionState(
        id=found.id,
        customer_id=found.customer,
        status=found.status,
        price_ids=tuple(item.price.id for item in items),
        amount=amount_of(first.price),
        currency=found.currency,
        interval=Interval.MONTH if recurring is None else recurring.interval,
        interval_count=1 if recurring is None else recurring.interval_count,
        quantity=1 if first.quantity is None else first.quantity,
        period_start=first.current_period_start,
        period_end=first.current_period_end,
        created_at=found.created,
        cancel_at=_cancel_at(found, first),
        canceled_at=found.canceled_at,
        ended_at=found.ended_at,
        trial_end=found.trial_end,
        scheduled=_scheduled(found, first),
    )


def checkout_state(found: Session) -> CheckoutState:
    """Return how a checkout stands."""
    intent = found.payment_intent
    return CheckoutState(
        id=found.id,
        status=_checkout_status(found),
        amount=found.amount_total or 0,
        currency=found.currency or "",
        subscription_id=found.subscription,
        payment_id=intent.id if isinstance(intent, PaymentIntent) else intent,
        customer_id=found.customer,
        email=None if found.customer_details is None else found.customer_details.email,
    )


def payment_state(found: Payment, *, disputed: bool) -> PaymentState:
    """Return how a payment stands; what was never charged was not refunded either."""
    charge = found.latest_charge
    return PaymentState(
        id=found.id,
        amount=found.amount,
        currency=found.currency,
        refunded=0 if charge is None else charge.amount_refunded,
        disputed=disputed,
    )


def account_state(found: ConnectedAccount, scope: str | None = None) -> AccountState:
    """Return what an account can do."""
    profile = found.business_profile
    return AccountState(
        id=found.id,
        charges=found.charges_enabled,
        details_submitted=found.details_submitted,
        email=found.email,
        name=None if profile is None else profile.name,
        scope=scope,
    )


def _cancel_at(found: Subscription, first: Item) -> float | None:
    """Return when it ends: by an instant, as the portal sets it, with the period, or by a schedule."""
    if found.cancel_at is not None:
        return found.cancel_at
    if found.cancel_at_period_end:
        return first.current_period_end
    schedule = found.schedule
    if schedule is None or schedule.status not in RUNNING or schedule.end_behavior != "cancel":
        return None
    return schedule.phases[-1].end_date if schedule.phases else None


def _scheduled(found: Subscription, first: Item) -> ScheduledChange | None:
    """Return the first change that a schedule makes after the phase the subscription is in."""
    schedule = found.schedule
    if schedule is None or schedule.status not in RUNNING:
        return None
    for phase in schedule.phases:
        if phase.start_date < first.current_period_end or not phase.items:
            continue
        price_id = phase.items[0].price
        if price_id != first.price.id:
            return ScheduledChange(price_id, phase.start_date)
    return None


def _checkout_status(found: Session) -> CheckoutStatus:
    if found.status == "open":
        return CheckoutStatus.OPEN
    if found.status == "expired":
        return CheckoutStatus.EXPIRED
    if found.payment_status != "unpaid":
        return CheckoutStatus.PAID
    intent = found.payment_intent
    if isinstance(intent, PaymentIntent) and intent.status not in ON_ITS_WAY:
        return CheckoutStatus.FAILED
    return CheckoutStatus.PAYING

"""How another price begins with the next period: the phases of a subscription schedule. Pure.

https://docs.stripe.com/billing/subscriptions/subscription-schedules
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.payments import SubscriptionStatus
from dream_gateway_stripe.states import ordered

if TYPE_CHECKING:
    from stripe.params import (
        SubscriptionScheduleUpdateParamsPhase,
        SubscriptionScheduleUpdateParamsPhaseDiscount,
        SubscriptionScheduleUpdateParamsPhaseItem,
    )

    from dream_gateway_stripe.shapes import Phase, PhaseDiscount, Price, Schedule, Subscription


def phases(
    schedule: Schedule, found: Subscription, price: Price, metered: tuple[str, ...]
) -> list[SubscriptionScheduleUpdateParamsPhase]:
    """Return the phases: as it is to the end of the period, then a day of the new price.

    After that the schedule lets go of the subscription, which stays as it is.
    """
    period, running = ordered(found.items.data)[0], schedule.phases[0]
    now: SubscriptionScheduleUpdateParamsPhase = {
        "start_date": int(running.start_date),
        "end_date": int(period.current_period_end),
        "items": [
            _phase_item(item.price.id, item.quantity, metered=item.price.is_metered)
            for item in found.items.data
        ],
    }
    if found.status is SubscriptionStatus.TRIALING and found.trial_end is not None:
        now["trial_end"] = int(min(found.trial_end, period.current_period_end))
    then: SubscriptionScheduleUpdateParamsPhase = {
        "duration": {"interval": "day", "interval_count": 1},
        "proration_behavior": "none",
        "items": [
            _phase_item(price.id, period.quantity, metered=False),
            *(_phase_item(price_id, None, metered=True) for price_id in metered),
        ],
    }
    if _interval(price) != _interval(period.price):
        # Else a period of the new length would be reckoned, and paid, from the old beginning.
        then["billing_cycle_anchor"] = "phase_start"
    for phase in (now, then):
        _carry_over(running, phase)
    return [now, then]


def _carry_over(running: Phase, phase: SubscriptionScheduleUpdateParamsPhase) -> None:
    """Keep what holds beside the prices: a phase that does not name it would be without."""
    if running.discounts:
        phase["discounts"] = [_discount(each) for each in running.discounts]
    if running.automatic_tax is not None and running.automatic_tax.enabled:
        phase["automatic_tax"] = {"enabled": True}


def _discount(each: PhaseDiscount) -> SubscriptionScheduleUpdateParamsPhaseDiscount:
    if each.discount is not None:
        return {"discount": each.discount}
    if each.promotion_code is not None:
        return {"promotion_code": each.promotion_code}
    return {"coupon": each.coupon or ""}


def _interval(price: Price) -> tuple[str, int] | None:
    own = price.recurring
    return None if own is None else (own.interval, own.interval_count)


def _phase_item(
    price_id: str, quantity: int | None, *, metered: bool
) -> SubscriptionScheduleUpdateParamsPhaseItem:
    """Return one price of a phase; what is metered has no quantity."""
    if metered:
        return {"price": price_id}
    return {"price": price_id, "quantity": 1 if quantity is None else quantity}

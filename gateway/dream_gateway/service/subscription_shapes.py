"""How a subscription is shown to those who ask about usage and customers."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import TYPE_CHECKING

from dream_gateway.service.values import Shape, optional_instant

if TYPE_CHECKING:
    from dream_gateway.model import Subscription


class SubscriptionView(Shape):
    """What a customer pays for. One that was cancelled is theirs until `cancelAt`.

    `status` is the provider's word: `active`, `trialing`, `past_due`, `canceled` and others. From
    `scheduledAt` on it is for the tier `scheduledPlan`.
    """

    plan: str | None
    status: str
    current_period_end: datetime | None
    cancel_at: datetime | None
    canceled_at: datetime | None
    trial_end: datetime | None
    scheduled_plan: str | None
    scheduled_at: datetime | None


def subscription_view(subscription: Subscription) -> SubscriptionView:
    """Return a subscription as callers see it."""
    return SubscriptionView(
        plan=subscription.plan,
        status=subscription.status,
        current_period_end=optional_instant(subscription.current_period_end),
        cancel_at=optional_instant(subscription.cancel_at),
        canceled_at=optional_instant(subscription.canceled_at),
        trial_end=optional_instant(subscription.trial_end),
        scheduled_plan=subscription.scheduled_plan,
        scheduled_at=optional_instant(subscription.scheduled_at),
    )

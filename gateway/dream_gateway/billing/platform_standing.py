"""Whether a platform pays its plan, and until when it is served without. Pure.

| status | the platform |
|---|---|
| trialing, active | is served |
| any other, or none | is served until its grace is over |

A grace begins when a platform does not pay, and is over for good only once it pays again. One that is
to end is paid until then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dream_gateway.billing.access import DAY_SECONDS, ENDED
from dream_gateway.payments import SubscriptionStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.payments import SubscriptionState
    from dream_gateway.records.platform_plans import PlatformPlan

PAID = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE})
SOON_SECONDS = 60.0
"""How long after the end of a period the provider is asked what came of it."""

UNPAID_SECONDS = 600.0
"""How often the provider is asked for one that is refused: it may have paid, and the news be lost."""


def is_paid(plan: PlatformPlan, now: float) -> bool:
    """Return whether a platform pays."""
    return plan.status in PAID and (plan.cancel_at is None or now < plan.cancel_at)


def is_refused(plan: PlatformPlan, now: float) -> bool:
    """Return whether a platform is not served any more."""
    return plan.grace_until is not None and plan.grace_until <= now


def mirrored(plan: PlatformPlan, states: Sequence[SubscriptionState]) -> PlatformPlan:
    """Return what a platform pays, by all of its subscriptions as they are: one that is paid counts."""
    state = min(states, key=_rank, default=None)
    if state is None:
        return replace(plan, subscription_id=None, status=None, period_end=None, cancel_at=None)
    return replace(
        plan,
        subscription_id=state.id,
        status=state.status,
        period_end=state.period_end,
        cancel_at=state.cancel_at,
    )


def judged(plan: PlatformPlan, now: float, grace_days: float) -> PlatformPlan:
    """Return what a platform pays, with its grace, and when it is to be looked at again."""
    if is_paid(plan, now):
        grace_until = None
    elif plan.grace_until is None:
        grace_until = now + grace_days * DAY_SECONDS
    else:
        grace_until = plan.grace_until
    plan = replace(plan, grace_until=grace_until)
    return replace(plan, ask_at=_next_ask(plan, now))


def _next_ask(plan: PlatformPlan, now: float) -> float | None:
    """Return when a platform is to be looked at again; `None` for one whom nobody could ask about."""
    if is_refused(plan, now):
        return None if plan.payer_id is None else now + UNPAID_SECONDS
    turns = [plan.cancel_at, plan.grace_until]
    if plan.period_end is not None:
        turns.append(plan.period_end + SOON_SECONDS)
    return min([now + DAY_SECONDS, *(at for at in turns if at is not None and at > now)])


def _rank(state: SubscriptionState) -> tuple[bool, bool, float]:
    """Return what sorts subscriptions: those that are paid, then those that may be, the newest first."""
    return (state.status not in PAID, state.status in ENDED, -state.created_at)

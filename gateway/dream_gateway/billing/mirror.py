"""What follows from subscriptions as they are stored. Pure: the time is an argument."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway import keys, periods
from dream_gateway.billing.access import DAY_SECONDS, ENDED, Standing
from dream_gateway.billing.money import Subscribed
from dream_gateway.model import Interval, Subscription
from dream_gateway.payments import SubscriptionStatus
from dream_gateway.records.subscriptions import Mirrored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dream_gateway.model import Customer
    from dream_gateway.payments import SubscriptionState

SOON_SECONDS = 60.0
"""How long after the end of a period the provider is asked what came of it."""

SELDOM_SECONDS = 3_600.0
"""How long it is at most until a provider that is late is asked again."""


class Whose(NamedTuple):
    """Whose a subscription is that nobody knew of."""

    project_id: str
    customer_id: str
    account_id: str


def mirrored(
    state: SubscriptionState,
    whose: Whose | Mirrored,
    plans: Mapping[str, str],
    meters: Mapping[str, str],
    now: float,
) -> Mirrored:
    """Return a subscription as it is stored, in the place of what is known of it, if anything is.

    `plans` tells which tier a price is for, `meters` whose overage. The grace of one that is not paid
    begins when that was first heard.
    """
    known = whose if isinstance(whose, Mirrored) else None
    since = now if known is None or known.past_due_since is None else known.past_due_since
    scheduled = state.scheduled
    plan = next((plans[each] for each in state.price_ids if each in plans), None)
    return Mirrored(
        id=keys.mint_id("sub") if known is None else known.id,
        project_id=whose.project_id,
        customer_id=whose.customer_id,
        account_id=whose.account_id,
        subscription_id=state.id,
        payer_id=state.customer_id,
        plan=plan,
        price_id=state.price_ids[0] if state.price_ids else None,
        status=state.status,
        amount=state.amount,
        currency=state.currency,
        interval=state.interval,
        interval_count=state.interval_count,
        quantity=state.quantity,
        period_start=state.period_start,
        period_end=state.period_end,
        created_at=state.created_at,
        cancel_at=state.cancel_at,
        canceled_at=state.canceled_at,
        ended_at=state.ended_at,
        trial_end=state.trial_end,
        scheduled_plan=plans.get(scheduled.price_id) if scheduled else None,
        scheduled_at=scheduled.at if scheduled else None,
        metered=plan is not None and plan in {meters.get(each) for each in state.price_ids},
        past_due_since=since if state.status is SubscriptionStatus.PAST_DUE else None,
        asked_at=now,
        version=0 if known is None else known.version,
    )


def standing_of(row: Mirrored) -> Standing:
    """Return as much of a subscription as access depends on."""
    return Standing(row.status, row.cancel_at, row.past_due_since)


def entitling(rows: Iterable[Mirrored], now: float, grace_days: float) -> Mirrored | None:
    """Return the subscription whose tier a customer has: of several the dearest, then the newest.

    `None`: none of them gives access to a tier.
    """
    giving = [
        row
        for row in rows
        if row.plan is not None and standing_of(row).gives_access(now, grace_days)
    ]
    return max(giving, key=lambda row: (subscribed(row).monthly, row.created_at), default=None)


def subscribed(row: Mirrored) -> Subscribed:
    """Return a subscription as far as money goes."""
    return Subscribed(
        amount=row.amount,
        currency=row.currency,
        interval=row.interval,
        status=row.status,
        created_at=row.created_at,
        interval_count=row.interval_count,
        quantity=row.quantity,
        trial_end=row.trial_end,
        cancel_at=row.cancel_at,
        ended_at=row.ended_at,
    )


def next_ask(row: Mirrored, now: float, grace_days: float) -> float | None:
    """Return when the provider is to be asked again without any news; `None` once it has ended."""
    if row.status in ENDED:
        return None
    turns = [at for at in (row.period_end, row.trial_end, row.scheduled_at) if at is not None]
    ends = [at for at in (row.cancel_at, standing_of(row).until(grace_days)) if at is not None]
    late = [at for at in (row.period_end, row.cancel_at) if at is not None and at <= now]
    if late:
        return now + min(max((now - min(late)) / 2, SOON_SECONDS), SELDOM_SECONDS)
    coming = [*(at + SOON_SECONDS for at in turns), *ends]
    return min([now + DAY_SECONDS, *(at for at in coming if at > now)])


def with_anchor(customer: Customer, row: Mirrored) -> Customer:
    """Return a customer whose periods begin with those of what they pay for.

    They stay as they are where the two agree already: what was used in one is carried on.
    """
    start = row.period_start
    if start is None or _begins(customer.anchor, row.interval, start):
        return customer
    return replace(customer, anchor=start)


def view_of(row: Mirrored) -> Subscription:
    """Return a subscription as people see it."""
    return Subscription(
        plan=row.plan,
        status=row.status.value,
        current_period_end=row.period_end,
        cancel_at=row.cancel_at,
        canceled_at=row.canceled_at,
        trial_end=row.trial_end,
        scheduled_plan=row.scheduled_plan,
        scheduled_at=row.scheduled_at,
        metered=row.metered,
    )


def told(row: Mirrored) -> dict[str, object]:
    """Return what a message tells of a subscription."""
    return {
        "id": row.id,
        "plan": row.plan,
        "status": row.status.value,
        "amount": row.amount,
        "currency": row.currency,
        "interval": row.interval.value,
        "currentPeriodStart": _instant(row.period_start),
        "currentPeriodEnd": _instant(row.period_end),
        "cancelAt": _instant(row.cancel_at),
        "canceledAt": _instant(row.canceled_at),
        "trialEnd": _instant(row.trial_end),
        "scheduledPlan": row.scheduled_plan,
        "scheduledAt": _instant(row.scheduled_at),
    }


def _begins(anchor: float, interval: Interval, start: float) -> bool:
    """Return whether a period that is counted from the anchor begins then; a year's is a month's."""
    step = Interval.MONTH if interval is Interval.YEAR else interval
    return periods.period(anchor, step, start).start == int(start)


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

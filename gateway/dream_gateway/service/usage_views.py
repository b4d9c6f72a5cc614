"""Verdicts as usage, the way callers see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.service.usage_shapes import CountedUsage, UsageView
from dream_gateway.service.values import instant, optional_instant

if TYPE_CHECKING:
    from datetime import datetime

    from dream_gateway.model import Usage, Verdict
    from dream_gateway.service.values import Unlimited


class _Numbers(NamedTuple):
    """A usage in JSON's terms. A tier without a quota counts nothing, and has no period."""

    used: int = 0
    limit: int | Unlimited = "unlimited"
    remaining: int | Unlimited = "unlimited"
    start: datetime | None = None
    end: datetime | None = None


def usage_view(verdict: Verdict, user: str) -> UsageView:
    """Return a user's usage."""
    numbers = _numbers(verdict.usage)
    return UsageView(
        user_id=user,
        plan=_plan(verdict),
        usage_count=numbers.used,
        limit=numbers.limit,
        remaining=numbers.remaining,
        period_start=numbers.start,
        period_end=numbers.end,
    )


def counted_usage(verdict: Verdict, user: str) -> CountedUsage:
    """Return a user's usage after a charge."""
    numbers = _numbers(verdict.usage)
    return CountedUsage(
        user_id=user,
        plan=_plan(verdict),
        count=numbers.used,
        usage_count=numbers.used,
        limit=numbers.limit,
        remaining=numbers.remaining,
        period_start=numbers.start,
        period_end=numbers.end,
    )


def _plan(verdict: Verdict) -> str:
    if verdict.tier is not None:
        return verdict.tier.name
    return "" if verdict.customer is None else verdict.customer.plan


def _numbers(usage: Usage | None) -> _Numbers:
    if usage is None:
        return _Numbers()
    limit, remaining = usage.limit, usage.remaining
    return _Numbers(
        usage.used,
        "unlimited" if limit is None else limit,
        "unlimited" if remaining is None else remaining,
        instant(usage.period.start),
        optional_instant(usage.period.end),
    )

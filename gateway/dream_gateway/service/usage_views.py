"""Verdicts as usage, the way callers see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from dream_gateway.service.usage_shapes import CountedUsage, TrackAnswer, UsageView
from dream_gateway.service.values import instant, optional_instant
from dream_gateway.verdicts import Admitted

if TYPE_CHECKING:
    from datetime import datetime

    from dream_gateway.model import Usage, Verdict
    from dream_gateway.service.values import Unlimited
    from dream_gateway.subjects import Subject

_COUNT, _USAGE_COUNT, _REMAINING, _OVERAGE = -1, -2, -3, -4


class _Numbers(NamedTuple):
    """A usage in JSON's terms. A tier without a quota counts nothing, and has no period."""

    used: int = 0
    limit: int | Unlimited = "unlimited"
    remaining: int | Unlimited = "unlimited"
    start: datetime | None = None
    end: datetime | None = None
    overage: int | UnsetType = UNSET


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
        overage=numbers.overage,
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
        overage=numbers.overage,
    )


class CountedTemplate:
    """The answer to a charge of one subject in one period, from which only the numbers are missing."""

    __slots__ = ("_is_paid_beyond", "_limit", "_quota", "_text")

    def __init__(self, verdict: Admitted) -> None:
        usage = counted_usage(verdict, verdict.subject.customer.external_id)
        self._quota = verdict.subject.quota
        self._limit = None if usage.limit == "unlimited" else usage.limit
        self._is_paid_beyond = usage.overage is not UNSET
        if self._quota is not None:
            usage.count, usage.usage_count = _COUNT, _USAGE_COUNT
            if self._limit is not None:
                usage.remaining = _REMAINING
            if self._is_paid_beyond:
                usage.overage = _OVERAGE
        text = msgspec.json.encode(TrackAnswer(success=True, usage=usage)).replace(b"%", b"%%")
        # Such a sequence cannot be part of a string, whose quotes are escaped.
        for name, mark in (
            (b"count", _COUNT),
            (b"usageCount", _USAGE_COUNT),
            (b"remaining", _REMAINING),
            (b"overage", _OVERAGE),
        ):
            text = text.replace(b'"%b":%d' % (name, mark), b'"%b":%%d' % name)
        self._text = text

    def render(self) -> bytes:
        """Return the answer with the numbers of this moment."""
        quota = self._quota
        if quota is None:
            return self._text % ()
        used = quota.used()
        if self._limit is None:
            return self._text % (used, used)
        left = self._limit - used if used < self._limit else 0
        if not self._is_paid_beyond:
            return self._text % (used, used, left)
        return self._text % (used, used, left, max(0, used - self._limit))


def counted_template(subject: Subject, now: float) -> CountedTemplate:
    """Return the template of a subject, which is made once for each of its periods."""
    found: CountedTemplate | None = subject.counted
    if found is None:
        found = subject.counted = CountedTemplate(Admitted(subject, 1, now))
    return found


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
        UNSET if usage.overage is None else usage.overage,
    )

"""What subscriptions are worth: recurring revenue and churn, for each currency by itself.

Amounts are whole numbers of the currency's minor unit. What a year's price is for each month is kept as
a fraction until everything is added up, and rounded once, half to even. A year has 12 months, 52 weeks
or 365 days. Currencies are never added.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from dream_gateway.model import Interval
from dream_gateway.payments import SubscriptionStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MONTHS = 12
PER_YEAR = {Interval.DAY: 365, Interval.WEEK: 52, Interval.MONTH: MONTHS, Interval.YEAR: 1}
"""How often each interval is billed in a year: no other one is."""


class Part(StrEnum):
    """What a subscription counts as. Only `PAYING` and `LATE` are recurring revenue."""

    PAYING = "paying"
    LATE = "late"
    CANCELLING = "cancelling"
    TRIALING = "trialing"
    NONE = "none"


PARTS = {
    SubscriptionStatus.ACTIVE: Part.PAYING,
    SubscriptionStatus.PAST_DUE: Part.LATE,
    SubscriptionStatus.TRIALING: Part.TRIALING,
    SubscriptionStatus.INCOMPLETE: Part.NONE,
    SubscriptionStatus.INCOMPLETE_EXPIRED: Part.NONE,
    SubscriptionStatus.UNPAID: Part.NONE,
    SubscriptionStatus.PAUSED: Part.NONE,
    SubscriptionStatus.CANCELED: Part.NONE,
}
NEVER_BEGAN = frozenset({SubscriptionStatus.INCOMPLETE, SubscriptionStatus.INCOMPLETE_EXPIRED})


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription as far as money goes: `amount` per unit, for each `interval_count` intervals."""

    amount: int
    currency: str
    interval: Interval
    status: SubscriptionStatus
    created_at: float
    interval_count: int = 1
    quantity: int = 1
    trial_end: float | None = None
    cancel_at: float | None = None
    ended_at: float | None = None

    @property
    def monthly(self) -> Fraction:
        """What it brings in each month, in minor units, exactly."""
        yearly = self.amount * self.quantity * PER_YEAR[self.interval]
        return Fraction(yearly, MONTHS * self.interval_count)

    @property
    def part(self) -> Part:
        """What it counts as right now: one that is to end is no recurring revenue any more."""
        part = PARTS[self.status]
        if part in {Part.PAYING, Part.LATE} and self.cancel_at is not None:
            return Part.CANCELLING
        return part

    def pays_at(self, at: float) -> bool:
        """Tell whether it was paid for at an instant: after its trial, and before its end."""
        if self.status in NEVER_BEGAN:
            return False
        begun = max(self.created_at, self.trial_end or self.created_at)
        return begun <= at and (self.ended_at is None or at < self.ended_at)


@dataclass(frozen=True, slots=True)
class Totals:
    """What the subscriptions of one currency are worth right now.

    `mrr` is what recurs each month, `arr` each year: of those that are paying or late. The others are
    counts of subscriptions.
    """

    mrr: int
    arr: int
    paying: int
    late: int
    cancelling: int
    trialing: int


@dataclass(frozen=True, slots=True)
class Churn:
    """What one currency lost in a span of time: of the `paying` at its start, `lost` until its end.

    `mrr` is what those brought in each month, `mrr_lost` what of it went.
    """

    paying: int
    lost: int
    mrr: int
    mrr_lost: int

    @property
    def rate(self) -> Fraction | None:
        """The share of subscriptions that went; `None` where there were none."""
        return Fraction(self.lost, self.paying) if self.paying else None

    @property
    def mrr_rate(self) -> Fraction | None:
        """The share of the recurring revenue that went; `None` where there was none."""
        return Fraction(self.mrr_lost, self.mrr) if self.mrr else None


def totals(subscriptions: Iterable[Subscribed]) -> dict[str, Totals]:
    """Return the totals of each currency, in alphabetical order."""
    return {c: _totals(each) for c, each in _by_currency(subscriptions).items()}


def churn(subscriptions: Iterable[Subscribed], start: float, end: float) -> dict[str, Churn]:
    """Return what each currency lost in `(start, end]`, in alphabetical order."""
    return {c: _churn(each, start, end) for c, each in _by_currency(subscriptions).items()}


def _by_currency(subscriptions: Iterable[Subscribed]) -> Mapping[str, list[Subscribed]]:
    found: defaultdict[str, list[Subscribed]] = defaultdict(list)
    for each in subscriptions:
        found[each.currency].append(each)
    return dict(sorted(found.items()))


def _totals(subscriptions: list[Subscribed]) -> Totals:
    parts = [each.part for each in subscriptions]
    recurring = sum(
        (each.monthly for each in subscriptions if each.part in {Part.PAYING, Part.LATE}),
        Fraction(),
    )
    return Totals(
        mrr=round(recurring),
        arr=round(recurring * MONTHS),
        paying=parts.count(Part.PAYING),
        late=parts.count(Part.LATE),
        cancelling=parts.count(Part.CANCELLING),
        trialing=parts.count(Part.TRIALING),
    )


def _churn(subscriptions: list[Subscribed], start: float, end: float) -> Churn:
    before = [each for each in subscriptions if each.pays_at(start)]
    gone = [each for each in before if each.ended_at is not None and each.ended_at <= end]
    return Churn(
        paying=len(before),
        lost=len(gone),
        mrr=round(sum((each.monthly for each in before), Fraction())),
        mrr_lost=round(sum((each.monthly for each in gone), Fraction())),
    )

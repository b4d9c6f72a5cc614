"""When a customer who pays already comes to be on another tier. Pure."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from dream_gateway.billing.money import PER_YEAR

if TYPE_CHECKING:
    from dream_gateway.billing.money import Subscribed


class Change(StrEnum):
    """What choosing a tier comes to.

    `CHECKOUT`: to be paid for first. `NOW`: at once, what was paid set off. `PERIOD_END`: when what
    is paid for is over. `KEPT`: nothing, but what was decided before is off.
    """

    CHECKOUT = "checkout"
    NOW = "now"
    PERIOD_END = "period_end"
    KEPT = "kept"


def change_to(has: Subscribed, wants: Subscribed, *, same_tier: bool) -> Change:
    """Return what it comes to that somebody who pays for one thing wants another.

    More money, or paying for longer at a time, is at once; less, or for shorter, is at the period's
    end. The same again is kept at the price it has.
    """
    longer = _length(wants) - _length(has)
    if same_tier and not longer:
        return Change.KEPT
    if longer:
        return Change.NOW if longer > 0 else Change.PERIOD_END
    return Change.NOW if wants.monthly >= has.monthly else Change.PERIOD_END


def _length(of: Subscribed) -> Fraction:
    """Return how long is paid for at a time, in years."""
    return Fraction(of.interval_count, PER_YEAR[of.interval])

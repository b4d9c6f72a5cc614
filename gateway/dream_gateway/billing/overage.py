"""What is to be paid of the units used: those beyond what is included, each once. Pure.

A quota's counter in one period counts up. A mark says how far it is accounted for; a span of units
beyond it becomes one report to the provider. Spans of a counter never overlap: what was reported is
paid, whatever becomes of the tier; what was used while it was included, or before the customer was on
the tier, is never paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

GRACE_SECONDS = 300.0
"""How long after a period's end leases of it may still come back, by any clock."""

GIVEN_UP_SECONDS = 86_400.0
"""After how long leases of a period that ended count as lost: nobody knows what was spent of them."""


class Span(NamedTuple):
    """The units after `before`, up to and including `upto`."""

    before: int
    upto: int

    @property
    def units(self) -> int:
        """How many they are."""
        return self.upto - self.before


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a counter is accounted for, under terms that hold since `since`."""

    accounted: int
    since: float
    closed: bool = False


def advance(
    mark: Mark | None, *, included: int, since: float, period_start: float, used: int
) -> tuple[Mark, Span | None]:
    """Return the next mark of a counter, and the span that is to be paid, if there is one.

    `since` is when the customer came to be on the tier as it is: what was used before under other
    terms is accounted for without being paid, up to this very moment.
    """
    accounted = 0 if mark is None else mark.accounted
    # Periods start with whole seconds: who comes in the first one comes with the period.
    if since > mark.since if mark is not None else since // 1 > period_start // 1:
        accounted = max(accounted, used)
    span = Span(max(accounted, included), used)
    if span.units <= 0:
        return Mark(accounted, since), None
    return Mark(used, since), span


def is_over(period_end: float | None, out: int, now: float) -> bool:
    """Return whether nothing can come to a counter any more: its period ended, no lease is out."""
    if period_end is None:
        return False
    return now >= period_end + (GRACE_SECONDS if out == 0 else GIVEN_UP_SECONDS)


def identifier(counter: str, span: Span) -> str:
    """Return what a provider knows a report by: the same for the same units, whoever makes it."""
    name = f"{counter}/{span.before}-{span.upto}"
    return f"ovr_{sha256(name.encode()).hexdigest()[:40]}"

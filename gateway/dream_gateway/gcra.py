"""Rate arithmetic: the generic cell rate algorithm, with units out on lease.

GCRA (ITU-T I.371) keeps one number per bucket, the theoretical arrival time (TAT): how far the
bucket's debt reaches into the future. A bucket of `burst` units that fills at one unit per
emission interval has debt `max(0, tat - now)`, and a cost conforms if the debt it would make is at
most `burst` emission intervals.

Units handed to a worker on lease may be spent at any later moment, so the plain algorithm would
admit them *beside* a burst that has filled up again meanwhile. Here the debt never drains below
what is out on lease: the bucket's refill stops while `debt == out`. Therefore, in any window of
length w, what is spent is at most `burst + w / interval`, wherever it is spent.

Times are whole microseconds; rounding is always against the caller, so nothing is over-admitted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`limit` units per `period_us` microseconds, `burst` of them at once from rest."""

    limit: int
    period_us: int
    burst: int

    def span(self, units: int) -> int:
        """Return the microseconds that `units` take at the sustained rate, rounded up."""
        return -(-units * self.period_us // self.limit)

    def refund(self, units: int) -> int:
        """Return the microseconds of debt that returning `units` takes off, rounded down."""
        return units * self.period_us // self.limit

    def units(self, span_us: int) -> int:
        """Return the whole units whose `span` is at most `span_us`, never negative."""
        return max(0, span_us * self.limit // self.period_us)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket's state: theoretical arrival time in microseconds, and units out on lease."""

    tat_us: int = 0
    out: int = 0


@dataclass(frozen=True, slots=True)
class Take:
    """The outcome of asking a bucket: what was granted, what is left, and how long to wait.

    `retry_after_us` is 0 when anything was granted; `None` when waiting cannot help.
    """

    granted: int
    bucket: Bucket
    remaining: int
    retry_after_us: int | None


def debt(rate: Rate, bucket: Bucket, now_us: int) -> int:
    """Return the bucket's debt in microseconds: at least what is out on lease, never negative.

    It is never more than a whole burst either, so a clock that steps back, or a limit that was
    lowered, costs at most the time one burst takes to refill.
    """
    full = rate.span(rate.burst)
    return max(min(bucket.tat_us - now_us, full), rate.span(bucket.out), 0)


def take(rate: Rate, bucket: Bucket, now_us: int, wanted: int, at_least: int) -> Take:
    """Grant `wanted` units, or what fits down to `at_least`, or none; a denial changes nothing."""
    owed = debt(rate, bucket, now_us)
    room = rate.span(rate.burst) - owed
    granted = min(wanted, rate.units(room))
    if granted < at_least:
        wait = None if at_least > rate.burst else max(1, rate.span(at_least) - room)
        return Take(0, bucket, rate.units(room), wait)
    owed += rate.span(granted)
    after = Bucket(now_us + owed, bucket.out + granted)
    return Take(granted, after, rate.units(rate.span(rate.burst) - owed), 0)


def settle(rate: Rate, bucket: Bucket, now_us: int, granted: int, spent: int) -> Bucket:
    """Close a lease of `granted` units of which `spent` were used; the rest is refilled at once."""
    owed = debt(rate, bucket, now_us) - rate.refund(granted - spent)
    return Bucket(now_us + max(owed, 0), max(0, bucket.out - granted))

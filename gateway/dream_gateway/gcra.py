"""Rate arithmetic: the generic cell rate algorithm, with units out on lease.

GCRA (ITU-T I.371) keeps one number per bucket, the theoretical arrival time (TAT): how far the
bucket's debt reaches into the future. A bucket of `burst` units that fills at one unit per
emission interval has debt `max(0, tat - now)`, and a cost conforms if the debt it would make is at
most `burst` emission intervals.

Units handed to a worker on lease may be spent at any later moment, so the plain algorithm would
admit them *beside* a burst that has filled up again meanwhile. Here the debt never drains below
what is out on lease: the bucket's refill stops while `debt == out`. Therefore, in any window of
length w, what is spent is at most `burst + w / interval`, wherever it is spent.

Times are whole microseconds, and the arithmetic is exact. A microsecond is cut into `limit` ticks,
so that a unit is `period_us` ticks for any rate, and a bucket keeps the ticks by which its TAT is
rounded up: a burst taken one by one is the same burst.
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

    def units(self, span_us: int) -> int:
        """Return the whole units whose `span` is at most `span_us`, never negative."""
        return max(0, span_us * self.limit // self.period_us)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket's state: theoretical arrival time in microseconds, and units out on lease.

    `surplus` is the ticks by which `tat_us` is rounded up, less than a microsecond's; it belongs to
    the rate that made it: see `adopt`.
    """

    tat_us: int = 0
    out: int = 0
    surplus: int = 0


@dataclass(frozen=True, slots=True)
class Take:
    """The outcome of asking a bucket: what was granted, what is left, and how long to wait.

    `retry_after_us` is 0 when anything was granted; `None` when waiting cannot help.
    """

    granted: int
    bucket: Bucket
    remaining: int
    retry_after_us: int | None


def adopt(rate: Rate, before: Rate, bucket: Bucket, now_us: int) -> Bucket:
    """Return the bucket's state under a rule, where `before` was the last; store it, if it differs.

    Debt that no burst of this rule explains is dropped for good: after a clock that started again,
    or a limit that was lowered, the bucket is full again after the time of one burst, not later.
    """
    full_us = rate.span(rate.burst)
    if bucket.tat_us - now_us > full_us:
        return _bucket(rate, now_us, rate.burst * rate.period_us, bucket.out)
    if rate.limit != before.limit and bucket.surplus:
        return Bucket(bucket.tat_us, bucket.out)
    return bucket


def debt(rate: Rate, bucket: Bucket, now_us: int) -> int:
    """Return the bucket's debt in ticks: at least what is out on lease, never negative.

    Beyond the leases it is never more than a whole burst.
    """
    owed = (bucket.tat_us - now_us) * rate.limit - bucket.surplus
    return max(min(owed, rate.burst * rate.period_us), bucket.out * rate.period_us, 0)


def remaining(rate: Rate, bucket: Bucket, now_us: int) -> int:
    """Return the whole units that could be taken now."""
    return max(0, rate.burst - -(-debt(rate, bucket, now_us) // rate.period_us))


def take(rate: Rate, bucket: Bucket, now_us: int, wanted: int, at_least: int) -> Take:
    """Grant `wanted` units, or what fits down to `at_least`, or none; a denial changes nothing."""
    owed = debt(rate, bucket, now_us)
    room = rate.burst * rate.period_us - owed
    fits = max(0, room // rate.period_us)
    granted = min(wanted, fits)
    if granted < at_least:
        short = at_least * rate.period_us - room
        wait = None if at_least > rate.burst else -(-short // rate.limit)
        return Take(0, bucket, fits, wait)
    after = _bucket(rate, now_us, owed + granted * rate.period_us, bucket.out + granted)
    return Take(granted, after, fits - granted, 0)


def settle(rate: Rate, bucket: Bucket, now_us: int, granted: int, spent: int) -> Bucket:
    """Close a lease of `granted` units of which `spent` were used; the rest is refilled at once."""
    owed = debt(rate, bucket, now_us) - (granted - spent) * rate.period_us
    return _bucket(rate, now_us, max(owed, 0), max(0, bucket.out - granted))


def _bucket(rate: Rate, now_us: int, owed: int, out: int) -> Bucket:
    span_us = -(-owed // rate.limit)
    return Bucket(now_us + span_us, out, span_us * rate.limit - owed)

"""What is counted for charts, and how: granularities, the names of metrics, latency histograms.

Pure. Instants are seconds since the epoch, UTC. A metric is a word, or a word and a detail: refusals by
the code of their error (`denied.rate_limited`), latencies by the upper bound of their bucket in
microseconds (`latency.5000`), the last of which has none (`latency.inf`).
"""

from __future__ import annotations

from bisect import bisect_left
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from dream_gateway.model import Interval
from dream_gateway.periods import calendar_period

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUESTS = "requests"
"""Admitted requests, whatever each cost."""

UNITS = "units"
"""What admitted requests cost."""

REFUNDED = "refunded"
"""Units that were given back because the API behind the gateway failed; `UNITS` holds them too."""

DENIED = "denied"
LATENCY = "latency"

LATENCY_BOUNDS = (
    500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 5_000_000, 10_000_000,
)  # fmt: skip
"""Microseconds: the upper bounds of the buckets; what took longer than the last is in one more."""

LATENCY_METRICS = (*(f"{LATENCY}.{bound}" for bound in LATENCY_BOUNDS), f"{LATENCY}.inf")
"""The metrics of the buckets, in their order."""

MICROSECONDS = 1_000_000


class Granularity(StrEnum):
    """How long the spans are that are added up. Projects have no months, customers only long ones."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


OF_PROJECTS = (Granularity.MINUTE, Granularity.HOUR, Granularity.DAY)
OF_CUSTOMERS = (Granularity.DAY, Granularity.MONTH)

_INTERVALS = {
    Granularity.MINUTE: Interval.MINUTE,
    Granularity.HOUR: Interval.HOUR,
    Granularity.DAY: Interval.DAY,
    Granularity.MONTH: Interval.MONTH,
}


def start_of(granularity: Granularity, at: float) -> int:
    """Return when the span that an instant is in begins."""
    return calendar_period(_INTERVALS[granularity], at).start


def starts(granularity: Granularity, since: float, until: float) -> list[int]:
    """Return when each span begins that has a part of `[since, until)`, in order."""
    found = []
    at: float = since
    while at < until:
        span = calendar_period(_INTERVALS[granularity], at)
        found.append(span.start)
        at = until if span.end is None else span.end
    return found


def denied(code: str) -> str:
    """Return the metric of refusals with a code."""
    return f"{DENIED}.{code}"


def latency(seconds: float) -> str:
    """Return the metric of the bucket that a latency is in."""
    return LATENCY_METRICS[bisect_left(LATENCY_BOUNDS, seconds * MICROSECONDS)]


def is_of(metric: str, kind: str) -> bool:
    """Tell whether a metric is of a kind: that word, with or without a detail."""
    return metric.partition(".")[0] == kind


def quantile(counts: Mapping[str, int], share: float) -> float | None:
    """Return the seconds that `share` of all latencies take at most, `None` if there are none.

    `counts` are by latency metric; others are passed over. Within a bucket they are taken to be
    spread evenly, and past the last bound nothing longer is known.
    """
    numbers = [counts.get(metric, 0) for metric in LATENCY_METRICS]
    wanted = share * sum(numbers)
    if wanted <= 0:
        return None
    reached = 0
    for (low, high), number in zip(pairwise((0, *LATENCY_BOUNDS)), numbers, strict=False):
        if number and reached + number >= wanted:
            return (low + (high - low) * (wanted - reached) / number) / MICROSECONDS
        reached += number
    return LATENCY_BOUNDS[-1] / MICROSECONDS

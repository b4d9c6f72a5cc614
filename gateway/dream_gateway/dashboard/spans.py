"""The spans of time that charts are about: which buckets there are, and what they are called. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dream_gateway import series
from dream_gateway.dashboard.charts import Series
from dream_gateway.series import Granularity, is_of, start_of, starts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dream_gateway.records.rollups import Point

MILLISECONDS = 1_000


@dataclass(frozen=True, slots=True)
class Kind:
    """A choice of span: `stored` is how its data are kept, `shown` how long a bucket is."""

    title: str
    shown: Granularity
    stored: Granularity
    seconds: int
    label: str


KINDS = {
    "hour": Kind("Hour", Granularity.MINUTE, Granularity.MINUTE, 3_600, "%H:%M"),
    "day": Kind("24 hours", Granularity.HOUR, Granularity.HOUR, 86_400, "%-d %b %H:00"),
    "month": Kind("30 days", Granularity.DAY, Granularity.DAY, 30 * 86_400, "%-d %b"),
    "quarter": Kind("90 days", Granularity.DAY, Granularity.DAY, 90 * 86_400, "%-d %b"),
    "year": Kind("12 months", Granularity.MONTH, Granularity.DAY, 360 * 86_400, "%b %Y"),
}
USUAL = "month"
_STEPS = {
    Granularity.MINUTE: 60,
    Granularity.HOUR: 3_600,
    Granularity.DAY: 86_400,
    Granularity.MONTH: 30 * 86_400,
}


@dataclass(frozen=True, slots=True)
class Span:
    """A span that ends now: the instants at which its buckets begin, and their labels."""

    name: str
    kind: Kind
    begins: tuple[int, ...]
    until: float

    @property
    def labels(self) -> list[str]:
        """What the buckets are called, UTC."""
        return [datetime.fromtimestamp(at, UTC).strftime(self.kind.label) for at in self.begins]

    @property
    def bounds(self) -> tuple[float, float]:
        """From when, until when."""
        return float(self.begins[0]), self.until


def span(name: str, now: float) -> Span:
    """Return a span by its name; the usual one for any other."""
    name = name if name in KINDS else USUAL
    kind = KINDS[name]
    last = start_of(kind.shown, now)
    # A step less than the whole, for the bucket that is going on is one of them.
    first = last - kind.seconds + _STEPS[kind.shown]
    return Span(name, kind, tuple(starts(kind.shown, first, last + 1)), now)


Buckets = Mapping[int, Mapping[str, int]]
"""What was counted: by when a bucket begins, and by metric."""


def gathered(span_: Span, points: Iterable[Point]) -> Buckets:
    """Return points by the buckets of a span, each of which is there."""
    found: dict[int, dict[str, int]] = {at: {} for at in span_.begins}
    # There are many points of one instant: it is found out once in which bucket that is.
    homes: dict[int, dict[str, int]] = {}
    for metric, start, value in points:
        home = homes.get(start)
        if home is None:
            home = homes[start] = found.get(start_of(span_.kind.shown, start), {})
        home[metric] = home.get(metric, 0) + value
    return found


def summed(buckets: Buckets, metric: str, name: str, tone: str) -> Series:
    """Return a metric of any detail as a series; where nothing was counted it is zero."""
    sums = [
        sum(value for each, value in counts.items() if is_of(each, metric))
        for counts in buckets.values()
    ]
    return Series(name, tone, tuple(sums))


def quantiles(buckets: Buckets, share: float, name: str, tone: str) -> Series:
    """Return a quantile of the latency, in milliseconds, as a series."""
    seconds = [series.quantile(counts, share) for counts in buckets.values()]
    values = tuple(None if each is None else round(each * MILLISECONDS, 2) for each in seconds)
    return Series(name, tone, values)


def by_detail(buckets: Buckets, metric: str) -> Mapping[str, int]:
    """Return the sums of a metric by its details, the largest first."""
    found: dict[str, int] = {}
    for counts in buckets.values():
        for each, value in counts.items():
            if is_of(each, metric):
                detail = each.partition(".")[2]
                found[detail] = found.get(detail, 0) + value
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))

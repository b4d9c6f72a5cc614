"""The spans of time that charts are about: which buckets there are, and what they are called. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dream_gateway import series
from dream_gateway.dashboard.charts import Series
from dream_gateway.series import Granularity, is_of, start_of, starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
    "year": Kind("12 months", Granularity.MONTH, Granularity.DAY, 365 * 86_400, "%b %Y"),
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
    # A step less than the whole, for the bucket that is going on is one of them.
    first = now - kind.seconds + _STEPS[kind.shown]
    return Span(name, kind, tuple(starts(kind.shown, first, now)), now)


def summed(span_: Span, points: Iterable[Point], metric: str, name: str, tone: str) -> Series:
    """Return a metric of any detail as a series over a span; where nothing was counted it is zero."""
    sums = dict.fromkeys(span_.begins, 0)
    for point in points:
        at = start_of(span_.kind.shown, point.start)
        if at in sums and is_of(point.metric, metric):
            sums[at] += point.value
    return Series(name, tone, tuple(sums.values()))


def quantiles(span_: Span, points: Iterable[Point], share: float, name: str, tone: str) -> Series:
    """Return a quantile of the latency, in milliseconds, as a series over a span."""
    counts: dict[int, dict[str, int]] = {at: {} for at in span_.begins}
    for point in points:
        found = counts.get(start_of(span_.kind.shown, point.start))
        if found is not None and is_of(point.metric, series.LATENCY):
            found[point.metric] = found.get(point.metric, 0) + point.value
    seconds = [series.quantile(each, share) for each in counts.values()]
    values = tuple(None if each is None else round(each * MILLISECONDS, 2) for each in seconds)
    return Series(name, tone, values)


def by_detail(points: Iterable[Point], metric: str) -> Mapping[str, int]:
    """Return the sums of a metric by its details, the largest first."""
    found: dict[str, int] = {}
    for point in points:
        if is_of(point.metric, metric):
            detail = point.metric.partition(".")[2]
            found[detail] = found.get(detail, 0) + point.value
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))

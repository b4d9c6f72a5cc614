"""What a gateway measures of itself: the table of its metrics, and arithmetic with their values.

Pure. Names, types and units are Prometheus' (base units, `_total` for what only grows). Values of
several workers are added up, those of the same labels. A histogram's buckets are counted one by one, and
the last is for what is above every bound.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.series import LATENCY_BOUNDS, MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Kind(StrEnum):
    """What a metric's value does: only grow, go up and down, or fall into buckets."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    """One metric; `bounds` are the upper ones of a histogram's buckets."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


class HistogramValue(NamedTuple):
    """A histogram's value: how many fell into each bucket, and what all of them add up to."""

    counts: tuple[int, ...]
    sum: float


Value = int | float | HistogramValue
Labels = tuple[str, ...]
Readings = dict[str, dict[Labels, Value]]
"""Values by metric and labels."""

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
POWERS = tuple(float(4**power) for power in range(9))
LATENCIES = tuple(bound / MICROSECONDS for bound in LATENCY_BOUNDS)

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

PROJECT = "project"
"""The label that is empty unless it is asked for: there may be many."""

BUILD = Metric("dream_gateway_build_info", _G, "Workers of a version.", ("version", "python"))
WORKERS = Metric("dream_gateway_workers", _G, "Workers that run.")
STARTS = Metric("dream_gateway_worker_starts_total", _C, "Workers that were started.")
DEATHS = Metric("dream_gateway_worker_deaths_total", _C, "Workers that died without a farewell.")
CPU = Metric("dream_gateway_cpu_seconds_total", _C, "Processor time of the workers.")
MEMORY = Metric("dream_gateway_resident_bytes", _G, "Memory that the workers hold.")
VERDICTS = Metric(
    "dream_gateway_verdicts_total",
    _C,
    "Requests by what was said of them: `allowed`, or the code of the refusal.",
    ("code", PROJECT),
)
UNITS = Metric("dream_gateway_units_total", _C, "Units that admitted requests cost.", (PROJECT,))
REFUNDS = Metric("dream_gateway_refunded_units_total", _C, "Units given back.", (PROJECT,))
LATENCY = Metric(
    "dream_gateway_answer_seconds",
    _H,
    "Time from the verdict to the upstream's answer, of a sample of the requests.",
    (PROJECT,),
    LATENCIES,
)
CACHED = Metric("dream_gateway_cache_entries", _G, "Entries in the workers' caches.")
LOADS = Metric(
    "dream_gateway_cache_loads_total",
    _C,
    "What was not in the cache, or not fresh, by how the load of it went.",
    ("outcome",),
)
CHANGES = Metric("dream_gateway_cache_changes_total", _C, "Changes that dropped something cached.")
FEEDS = Metric("dream_gateway_feeds_silent", _G, "Change feeds that workers do not hear.")
LEASES = Metric("dream_gateway_leases", _G, "Counters that are spent from a lease.")
LEASED = Metric(
    "dream_gateway_leased_units",
    _G,
    "Units on lease that are not spent: what would be stranded if the machine lost its power.",
)
LEASE_UNITS = Metric(
    "dream_gateway_lease_units", _H, "Units that the ledger granted in one lease.", (), POWERS
)
RETURNS = Metric(
    "dream_gateway_lease_returns_waiting", _G, "Leases that the ledger has not taken back yet."
)
STRANDED = Metric(
    "dream_gateway_journals_stranded",
    _G,
    "Workers that find journals of dead ones which the ledger does not take.",
)
SETTLED = Metric("dream_gateway_journals_settled_total", _C, "Journals of dead workers, settled.")
LEDGER_CALLS = Metric(
    "dream_gateway_ledger_seconds", _H, "Time that the ledger took.", ("operation",), SECONDS
)
BATCHES = Metric(
    "dream_gateway_ledger_batch", _H, "Leases in one call of the ledger.", ("operation",), POWERS
)
LEDGER_FAULTS = Metric(
    "dream_gateway_ledger_failures_total", _C, "Calls that failed.", ("operation",)
)
ANSWERS = Metric(
    "dream_gateway_upstream_seconds",
    _H,
    "Time until an upstream's answer began, of a sample of the requests.",
    ("upstream",),
    LATENCIES,
)
ERRORS = Metric("dream_gateway_upstream_errors_total", _C, "Answers of 500 and up.", ("upstream",))
FAILURES = Metric(
    "dream_gateway_upstream_failures_total",
    _C,
    "Connections that were not made, or broke off before the answer was complete.",
    ("upstream",),
)
CONNECTIONS = Metric(
    "dream_gateway_upstream_connections", _G, "Connections that are open.", ("upstream",)
)
PENDING = Metric("dream_gateway_upstream_pending", _G, "Requests under way.", ("upstream",))
WAITING = Metric(
    "dream_gateway_upstream_waiting", _G, "Requests that wait for a connection.", ("upstream",)
)
EJECTED = Metric(
    "dream_gateway_upstream_ejected", _G, "Workers that pass the upstream over.", ("upstream",)
)
DROPPED = Metric(
    "dream_gateway_access_log_dropped_total", _C, "Lines of the access log that were dropped."
)
RECORDS = Metric("dream_gateway_records_up", _G, "Whether the records could be read: 0 or 1.")
MESSAGES = Metric(
    "dream_gateway_webhook_messages",
    _G,
    "Messages to developers' webhooks that are `pending`, or that were given up (`failed`).",
    ("status",),
)
MESSAGE_LAG = Metric(
    "dream_gateway_webhook_lag_seconds", _G, "How long the message that is due longest is due."
)
NEWS = Metric(
    "dream_gateway_billing_events",
    _G,
    "Events of the payment provider that are `pending`, or that failed too often (`parked`).",
    ("status",),
)
NEWS_LAG = Metric(
    "dream_gateway_billing_lag_seconds", _G, "How long the event that is due longest is due."
)

CATALOGUE = {
    metric.name: metric
    for metric in (
        BUILD, WORKERS, STARTS, DEATHS, CPU, MEMORY, VERDICTS, UNITS, REFUNDS, LATENCY, CACHED, LOADS,
        CHANGES, FEEDS, LEASES, LEASED, LEASE_UNITS, RETURNS, STRANDED, SETTLED, LEDGER_CALLS, BATCHES,
        LEDGER_FAULTS, ANSWERS, ERRORS, FAILURES, CONNECTIONS, PENDING, WAITING, EJECTED, DROPPED,
        RECORDS, MESSAGES, MESSAGE_LAG, NEWS, NEWS_LAG,
    )
}  # fmt: skip
"""Every metric there is, by name, in the order in which they are told."""


class Histogram:
    """Counts what falls into each bucket. Used from one thread."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def value(self) -> HistogramValue:
        """Return what was counted."""
        return HistogramValue(tuple(self._counts), self._sum)


def merged(several: Iterable[Readings]) -> Readings:
    """Return the values of several workers, added up."""
    sums: Readings = {}
    for readings in several:
        for name, values in readings.items():
            into = sums.setdefault(name, {})
            for labels, value in values.items():
                known = into.get(labels)
                into[labels] = value if known is None else plus(known, value)
    return sums


def plus(one: Value, other: Value) -> Value:
    """Return the sum of two values of one metric; of histograms with other buckets, the latter."""
    if isinstance(one, HistogramValue) and isinstance(other, HistogramValue):
        if len(one.counts) != len(other.counts):
            return other
        counts = zip(one.counts, other.counts, strict=True)
        return HistogramValue(tuple(a + b for a, b in counts), one.sum + other.sum)
    if isinstance(one, HistogramValue) or isinstance(other, HistogramValue):
        return other
    return one + other


def lasting(readings: Readings) -> Readings:
    """Return what stays when a worker is gone: all but how things stood at the moment."""
    return {
        name: values
        for name, values in readings.items()
        if name in CATALOGUE and CATALOGUE[name].kind is not Kind.GAUGE
    }


def latency_histogram(
    counts: Mapping[str, int], seconds: float, metrics: Iterable[str]
) -> HistogramValue:
    """Return latencies that were counted by the metric of their bucket, such as `latency.500`."""
    return HistogramValue(tuple(counts.get(metric, 0) for metric in metrics), seconds)

"""What requests came to since a worker's start, from what `rollup` collects every second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway import metrics, series
from dream_gateway.metrics import HistogramValue, latency_histogram

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.counts import Counted
    from dream_gateway.metrics import Labels, Readings, Value

ALLOWED = "allowed"


class Totals:
    """Adds up. Used from one event loop; a project has labels of its own only if that is asked for."""

    def __init__(self) -> None:
        self.by_project = False
        self._verdicts: dict[Labels, Value] = {(ALLOWED, ""): 0}
        self._units: dict[Labels, Value] = {("",): 0}
        self._refunds: dict[Labels, Value] = {("",): 0}
        self._latencies: dict[Labels, Value] = {}

    def add(self, admitted: Mapping[tuple[str, str], int], taken: Counted) -> None:
        """Take note of what was counted."""
        for numbers in (admitted, taken.requests):
            for (project, _), number in numbers.items():
                self._plus(self._verdicts, (ALLOWED, self._label(project)), number)
        for numbers in (admitted, taken.units):
            for (project, _), number in numbers.items():
                self._plus(self._units, (self._label(project),), number)
        latencies: dict[str, dict[str, int]] = {}
        for (project, metric), number in taken.metrics.items():
            kind, _, detail = metric.partition(".")
            if kind == series.DENIED:
                self._plus(self._verdicts, (detail, self._label(project)), number)
            elif kind == series.REFUNDED:
                self._plus(self._refunds, (self._label(project),), number)
            elif kind == series.LATENCY:
                latencies.setdefault(project, {})[metric] = number
        for project, counts in latencies.items():
            took = latency_histogram(
                counts, taken.seconds.get(project, 0.0), series.LATENCY_METRICS
            )
            self._plus(self._latencies, (self._label(project),), took)

    def measure(self) -> Readings:
        """Return the sums."""
        nothing = HistogramValue((0,) * len(series.LATENCY_METRICS), 0.0)
        return {
            metrics.VERDICTS.name: dict(self._verdicts),
            metrics.UNITS.name: dict(self._units),
            metrics.REFUNDS.name: dict(self._refunds),
            metrics.LATENCY.name: dict(self._latencies) or {("",): nothing},
        }

    def _label(self, project: str) -> str:
        return project if self.by_project else ""

    def _plus(self, sums: dict[Labels, Value], labels: Labels, value: Value) -> None:
        known = sums.get(labels)
        sums[labels] = value if known is None else metrics.plus(known, value)

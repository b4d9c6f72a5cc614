"""The gateway's numbers as families of `prometheus_client`, and those as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from dream_gateway.metrics import CATALOGUE, PROJECT, HistogramValue, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric as Family

    from dream_gateway.metrics import Labels, Metric, Readings, Value


class ReadingsCollector(Collector):
    """Readings, as a registry wants them: written once, and thrown away."""

    def __init__(self, readings: Readings, *, by_project: bool) -> None:
        self._readings = readings
        self._by_project = by_project

    def collect(self) -> Iterator[Family]:
        """Yield a family for each metric that was measured."""
        for name, metric in CATALOGUE.items():
            if name in self._readings:
                yield family(metric, self._readings[name], by_project=self._by_project)

    def restricted_registry(self, names: Iterable[str]) -> ReadingsCollector:
        """Return the part of these names: what `?name[]=` asks for."""
        wanted = set(names)
        some = {name: values for name, values in self._readings.items() if name in wanted}
        return ReadingsCollector(some, by_project=self._by_project)


def exposition(readings: Readings, accept: str, *, by_project: bool) -> tuple[bytes, str]:
    """Return the text and its type: OpenMetrics for who accepts that, else Prometheus' own."""
    encode, kind = choose_encoder(accept)
    return encode(ReadingsCollector(readings, by_project=by_project)), kind


def family(metric: Metric, values: dict[Labels, Value], *, by_project: bool) -> Family:
    """Return one metric with its values; the label of projects only if they are told apart."""
    kept = [name != PROJECT or by_project for name in metric.labels]
    names = [name for name, keep in zip(metric.labels, kept, strict=True) if keep]
    told = {
        tuple(word for word, keep in zip(labels, kept, strict=True) if keep): value
        for labels, value in sorted(values.items())
    }
    if metric.kind is Kind.HISTOGRAM:
        return _histogram(metric, names, told)
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    plain = kind(metric.name, metric.help, labels=names)
    for labels, value in told.items():
        if not isinstance(value, HistogramValue):
            plain.add_metric(labels, value)
    return plain


def _histogram(metric: Metric, names: list[str], told: dict[Labels, Value]) -> Family:
    histogram = HistogramMetricFamily(metric.name, metric.help, labels=names)
    for labels, value in told.items():
        if isinstance(value, HistogramValue):
            histogram.add_metric(labels, _buckets(metric, value), value.sum)
    return histogram


def _buckets(metric: Metric, value: HistogramValue) -> list[tuple[str, float]]:
    """Return the buckets as Prometheus has them: each with all that are below it."""
    reached, buckets = 0, []
    for bound, count in zip((*metric.bounds, float("inf")), value.counts, strict=True):
        reached += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound), float(reached)))
    return buckets

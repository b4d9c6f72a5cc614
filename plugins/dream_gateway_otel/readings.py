"""The gateway's numbers in OpenTelemetry's data model: cumulative, since the worker's start."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from dream_gateway.metrics import CATALOGUE, PROJECT, HistogramValue, Kind

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from dream_gateway.metrics import Labels, Readings, Value
    from dream_gateway.metrics import Metric as Measured

CUMULATIVE = AggregationTemporality.CUMULATIVE
UNITS = {"seconds": "s", "bytes": "By"}
"""Units by the word that a name ends with (UCUM)."""


def data(
    readings: Readings,
    resource: Resource,
    scope: InstrumentationScope,
    span: tuple[int, int],
) -> MetricsData:
    """Return what is to be exported; `span` is from when until when, in nanoseconds."""
    told = [
        metric(CATALOGUE[name], values, span)
        for name, values in readings.items()
        if name in CATALOGUE
    ]
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, told, "")], "")])


def metric(measured: Measured, values: dict[Labels, Value], span: tuple[int, int]) -> Metric:
    """Return one metric."""
    name = measured.name.removesuffix("_total")
    unit = UNITS.get(name.rpartition("_")[2], "1")
    return Metric(name, measured.help, unit, _points(measured, values, span))


def _points(
    measured: Measured, values: dict[Labels, Value], span: tuple[int, int]
) -> Sum | Gauge | Histogram:
    if measured.kind is Kind.HISTOGRAM:
        spreads = [
            _spread(measured, labels, value, span)
            for labels, value in values.items()
            if isinstance(value, HistogramValue)
        ]
        return Histogram(spreads, CUMULATIVE)
    points = [
        NumberDataPoint(_attributes(measured, labels), *span, value)
        for labels, value in values.items()
        if not isinstance(value, HistogramValue)
    ]
    if measured.kind is Kind.COUNTER:
        return Sum(points, CUMULATIVE, is_monotonic=True)
    return Gauge(points)


def _spread(
    measured: Measured, labels: Labels, value: HistogramValue, span: tuple[int, int]
) -> HistogramDataPoint:
    unknown = cast("float", None)  # The extremes are optional in OTLP, which the type does not say.
    return HistogramDataPoint(
        _attributes(measured, labels),
        *span,
        sum(value.counts),
        value.sum,
        value.counts,
        measured.bounds,
        unknown,
        unknown,
    )


def _attributes(measured: Measured, labels: Labels) -> dict[str, str]:
    named = zip(measured.labels, labels, strict=True)
    return {name: value for name, value in named if value or name != PROJECT}

"""Charts and formats: what numbers become, whatever they are."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.dashboard import charts, formats, spans
from dream_gateway.dashboard.charts import Series
from dream_gateway.records.rollups import Point

VALUES = st.lists(st.one_of(st.none(), st.floats(0, 1e15)), min_size=1, max_size=40)


@given(VALUES, st.booleans())
def test_a_chart_is_well_formed_and_stays_within_its_frame(
    values: list[float | None], as_lines: bool
) -> None:
    labels = [f"<{at}&>" for at in range(len(values))]
    draw = charts.lines if as_lines else charts.columns
    chart = draw("A & B", "units", labels, [Series("<x>", "first", tuple(values))])
    svg = ET.fromstring(str(chart.svg))  # noqa: S314 # it is our own
    assert len(svg.findall("rect")) == len(values)
    heights = re.findall(r"M[\d.]+ (-?[\d.e+-]+)", "".join(p.get("d", "") for p in svg))
    assert all(-1e-6 <= float(each) <= 100 for each in heights)
    assert len(chart.ticks) == 5
    assert chart.marks[0] == labels[0]
    assert chart.marks[-1] == labels[-1]


@given(st.floats(0, 1e15))
def test_a_scale_has_room_and_not_too_much(value: float) -> None:
    top = charts.ceiling(value)
    assert top >= value * (1 - 1e-9) or value < charts.NOTHING
    assert top <= max(4.0, 2.5 * value + 4)


@given(st.floats(0, 1e12), st.one_of(st.none(), st.floats(0, 1e12)))
def test_a_bar_is_never_longer_than_its_rail(used: float, limit: float | None) -> None:
    svg = ET.fromstring(str(charts.bar(used, limit)))  # noqa: S314 # as above
    fill = svg.findall("rect")[1]
    assert 0 <= float(fill.get("width", "nan")) <= 100


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1999, "usd", "$19.99"),
        (-5, "eur", "-€0.05"),
        (500, "jpy", "¥500"),
        (1234567, "chf", "12,345.67 CHF"),
        (1500, "kwd", "1.500 KWD"),
        (None, "usd", "-"),
    ],
)
def test_money_is_written_by_its_currency(amount: int | None, currency: str, text: str) -> None:
    assert formats.money(amount, currency) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_234, "1.23k"),
        (56_700_000, "56.7M"),
        (231_900, "232k"),
        (None, "∞"),
    ],
)
def test_numbers_are_shortened(value: float | None, text: str) -> None:
    assert formats.short(value) == text


@pytest.mark.parametrize(
    ("name", "count"), [("hour", 60), ("day", 24), ("month", 30), ("year", 12)]
)
@given(now=st.floats(1.6e9, 2e9))
def test_a_span_has_its_buckets_and_the_last_is_going_on(name: str, count: int, now: float) -> None:
    span = spans.span(name, now)
    assert len(span.begins) == count
    assert span.begins[-1] <= now
    points = [Point("requests", at, 2) for at in span.begins] + [Point("denied.x", 0, 5)]
    buckets = spans.gathered(span, points)
    assert spans.summed(buckets, "requests", "", "").total == 2 * len(span.begins)
    assert spans.by_detail(buckets, "denied") == {}

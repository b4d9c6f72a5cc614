"""What charts are made of: spans, the names of metrics, latencies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway import series
from dream_gateway.series import LATENCY_BOUNDS, MICROSECONDS, Granularity

INSTANTS = st.floats(min_value=0, max_value=4e9)


@given(INSTANTS, st.sampled_from(Granularity))
def test_an_instant_is_in_one_span(at: float, granularity: Granularity) -> None:
    (start,) = series.starts(granularity, at, at + 1e-3) or (series.start_of(granularity, at),)
    assert start == series.start_of(granularity, at) <= at


@given(INSTANTS, st.integers(0, 90), st.sampled_from([Granularity.DAY, Granularity.MONTH]))
def test_spans_follow_one_another(since: float, days: int, granularity: Granularity) -> None:
    found = series.starts(granularity, since, since + days * 86_400)
    assert found == sorted(set(found))
    assert all(series.start_of(granularity, start) == start for start in found)
    assert len(found) >= (days if granularity is Granularity.DAY else days // 31)


def test_a_month_begins_on_its_first() -> None:
    assert series.start_of(Granularity.MONTH, 1_795_700_000) == 1_793_491_200


@given(st.lists(st.floats(min_value=0, max_value=9.9), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_in_the_bucket_of_the_one_it_is(seconds: list[float], share: float) -> None:
    counts: dict[str, int] = {}
    for each in seconds:
        counts[series.latency(each)] = counts.get(series.latency(each), 0) + 1
    ordered = sorted(seconds)
    rank = next(n for n in range(len(ordered)) if n + 1 >= share * len(ordered))
    bounds = (0.0, *(bound / MICROSECONDS for bound in LATENCY_BOUNDS))
    upper = next(bound for bound in bounds[1:] if ordered[rank] <= bound)
    found = series.quantile(counts, share)
    assert found is not None
    assert bounds[bounds.index(upper) - 1] <= found <= upper * (1 + 1e-9)


@pytest.mark.parametrize("counts", [{}, {"requests": 3}])
def test_of_no_latencies_there_is_no_quantile(counts: dict[str, int]) -> None:
    assert series.quantile(counts, 0.5) is None


def test_what_took_longest_is_told_as_the_last_bound() -> None:
    assert series.quantile({series.latency(60.0): 1}, 0.99) == 10.0


def test_a_metric_is_of_its_kind() -> None:
    assert series.is_of(series.denied("rate_limited"), series.DENIED)
    assert not series.is_of("denied_else", series.DENIED)

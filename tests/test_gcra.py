from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway import gcra
from dream_gateway.gcra import Bucket, Rate

rates = st.builds(
    Rate, st.integers(1, 5_000_000), st.sampled_from([1, 1_000, 1_000_000, 60_000_000]),
    st.integers(1, 50),
)  # fmt: skip
NOW = 10**12


def full(rate: Rate) -> int:
    return rate.burst * rate.period_us


@given(rates, st.integers(1, 60))
def test_a_burst_is_exact_taken_one_by_one(rate: Rate, tries: int) -> None:
    bucket, granted = Bucket(NOW), 0
    for _ in range(tries):
        took = gcra.take(rate, bucket, NOW, 1, 1)
        bucket, granted = took.bucket, granted + took.granted
    assert granted == min(tries, rate.burst)


@given(rates, st.data())
def test_no_window_holds_more_than_burst_and_refill(rate: Rate, data: st.DataObject) -> None:
    pauses = st.integers(0, 3 * rate.span(rate.burst))
    bucket, now, spends = Bucket(NOW), NOW, []
    for _ in range(data.draw(st.integers(1, 12))):
        now += data.draw(pauses)
        took = gcra.take(rate, bucket, now, data.draw(st.integers(1, 60)), 1)
        bucket = took.bucket
        if took.granted:
            spends.append((now, took.granted))
            bucket = gcra.settle(rate, bucket, now, took.granted, took.granted)
    for first in range(len(spends)):
        for last in range(first, len(spends)):
            window = spends[last][0] - spends[first][0]
            units = sum(count for _, count in spends[first : last + 1])
            assert units <= rate.burst + Fraction(window * rate.limit, rate.period_us)


@given(rates, st.integers(1, 50), st.integers(0, 10**9))
def test_a_lease_is_a_floor_under_the_debt(rate: Rate, wanted: int, later: int) -> None:
    took = gcra.take(rate, Bucket(NOW), NOW, wanted, 1)
    then = NOW + later
    assert gcra.debt(rate, took.bucket, then) >= took.granted * rate.period_us
    again = gcra.take(rate, took.bucket, then, 1_000, 1)
    assert took.granted + again.granted == rate.burst


@given(rates, st.integers(1, 50), st.data())
def test_what_is_not_spent_can_be_taken_at_once(
    rate: Rate, wanted: int, data: st.DataObject
) -> None:
    took = gcra.take(rate, Bucket(NOW), NOW, wanted, 1)
    spent = data.draw(st.integers(0, took.granted))
    bucket = gcra.settle(rate, took.bucket, NOW, took.granted, spent)
    assert bucket.out == 0
    assert gcra.remaining(rate, bucket, NOW) == rate.burst - spent


@given(rates, st.integers(-(10**15), 10**15), st.integers(0, 100))
def test_the_debt_is_bounded_whatever_the_clock_did(rate: Rate, tat: int, out: int) -> None:
    owed = gcra.debt(rate, Bucket(tat, out), NOW)
    assert max(0, out * rate.period_us) <= owed <= max(full(rate), out * rate.period_us)


@given(rates, rates, st.integers(-(10**15), 10**15))
def test_an_adopted_bucket_is_full_again_after_one_burst(
    rate: Rate, before: Rate, ahead: int
) -> None:
    bucket = gcra.adopt(rate, before, Bucket(NOW + ahead), NOW)
    rested = NOW + rate.span(rate.burst)
    assert gcra.take(rate, bucket, rested, rate.burst, rate.burst).granted == rate.burst


@given(rates, st.integers(1, 50), st.integers(1, 50))
def test_the_wait_is_exact(rate: Rate, first: int, wanted: int) -> None:
    took = gcra.take(rate, Bucket(NOW), NOW, first, 1)
    bucket = gcra.settle(rate, took.bucket, NOW, took.granted, took.granted)
    denied = gcra.take(rate, bucket, NOW, wanted, wanted)
    if denied.granted:
        assert denied.retry_after_us == 0
    elif wanted > rate.burst:
        assert denied.retry_after_us is None
    else:
        assert denied.retry_after_us
        at = NOW + denied.retry_after_us
        assert gcra.take(rate, bucket, at - 1, wanted, wanted).granted == 0
        assert gcra.take(rate, bucket, at, wanted, wanted).granted == wanted


@given(rates, st.integers(0, 10**6))
def test_units_and_span_round_against_the_caller(rate: Rate, units: int) -> None:
    assert rate.span(units) * rate.limit >= units * rate.period_us
    assert rate.units(rate.span(units)) >= units


def test_a_denial_changes_nothing() -> None:
    rate, bucket = Rate(1, 1_000_000, 5), Bucket(NOW + 4_000_000, 2)
    took = gcra.take(rate, bucket, NOW, 3, 2)
    assert (took.granted, took.remaining) == (0, 1)
    assert took.bucket is bucket


@pytest.mark.parametrize("limit", [3, 7, 3_000_000])
def test_a_rate_that_divides_no_microsecond_keeps_its_pace(limit: int) -> None:
    rate = Rate(limit, 1_000_000, limit)
    bucket, granted = Bucket(NOW), 0
    for now in range(NOW, NOW + 10_000_001, 100_000):
        took = gcra.take(rate, bucket, now, limit, 1)
        granted += took.granted
        bucket = gcra.settle(rate, took.bucket, now, took.granted, took.granted)
    assert granted == 11 * limit

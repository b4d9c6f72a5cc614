"""Billing periods: without a gap, and with the anchor's day wherever a month has it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway_stripe.testing.calendar import after, period_at


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("interval", "count", "end"),
    [
        ("day", 1, "2027-02-01T12:00"),
        ("week", 2, "2027-02-14T12:00"),
        ("month", 1, "2027-02-28T12:00"),
        ("month", 2, "2027-03-31T12:00"),
        ("month", 13, "2028-02-29T12:00"),
        ("year", 1, "2028-01-31T12:00"),
    ],
)
def test_examples(interval: str, count: int, end: str) -> None:
    assert after(at("2027-01-31T12:00"), interval, count) == at(end)


@given(
    anchor=st.integers(0, 2**32),
    elapsed=st.integers(0, 10**9),
    interval=st.sampled_from(["week", "month", "year"]),
    count=st.integers(1, 6),
)
def test_every_instant_is_in_one_period(
    anchor: int, elapsed: int, interval: str, count: int
) -> None:
    now = anchor + elapsed
    start, end = period_at(anchor, interval, count, now)
    assert start <= now < end
    assert period_at(anchor, interval, count, end)[0] == end
    assert period_at(anchor, interval, count, end - 1) == (start, end)

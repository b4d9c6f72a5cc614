"""Periods tile time, from the original anchor."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.model import Interval
from dream_gateway.periods import calendar_period, period

INSTANTS = st.integers(0, 4_000_000_000)
REPEATING = st.sampled_from([i for i in Interval if i is not Interval.LIFETIME])


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc] # year, month, day


@given(INSTANTS, REPEATING, INSTANTS)
def test_every_instant_is_in_its_period_and_the_next_follows_at_once(
    anchor: int, interval: Interval, now: int
) -> None:
    found = period(anchor, interval, now)
    assert found.end is not None
    assert found.start <= now < found.end
    assert period(anchor, interval, found.start) == found
    assert period(anchor, interval, found.end - 1) == found
    assert period(anchor, interval, found.end).start == found.end


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ((2026, 2, 27), (2026, 1, 31), (2026, 2, 28)),
        ((2026, 2, 28), (2026, 2, 28), (2026, 3, 31)),
        ((2026, 4, 30), (2026, 4, 30), (2026, 5, 31)),
        ((2028, 2, 29), (2028, 2, 29), (2028, 3, 31)),
        ((2025, 12, 31), (2025, 12, 31), (2026, 1, 31)),
    ],
)
def test_months_are_clamped_to_their_last_day_and_recover(
    now: tuple[int, ...], start: tuple[int, ...], end: tuple[int, ...]
) -> None:
    found = period(at(2026, 1, 31), Interval.MONTH, at(*now))
    assert (found.start, found.end) == (at(*start), at(*end))


def test_a_leap_days_years_end_on_28_february() -> None:
    found = period(at(2024, 2, 29), Interval.YEAR, at(2026, 1, 1))
    assert (found.start, found.end) == (at(2025, 2, 28), at(2026, 2, 28))


def test_a_lifetime_has_no_end() -> None:
    assert period(at(2026, 1, 1), Interval.LIFETIME, at(2099, 1, 1)).end is None


def test_calendar_weeks_start_on_monday() -> None:
    assert calendar_period(Interval.WEEK, at(2026, 11, 25)).start == at(2026, 11, 23)

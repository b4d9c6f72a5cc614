"""When a message is tried again, and when an endpoint is given up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.notices.schedule import (
    ATTEMPTS,
    DELAYS,
    DISABLE_AFTER,
    is_given_up,
    next_attempt,
    pause,
)

NOW = 1_800_000_000.0


@pytest.mark.parametrize(("attempts", "delay"), list(enumerate(DELAYS, start=1)))
def test_each_failure_is_followed_by_a_longer_wait(attempts: int, delay: float) -> None:
    assert next_attempt(attempts, NOW, 0.0) == NOW + delay


def test_the_last_attempt_is_made_after_an_endpoint_is_given_up() -> None:
    assert next_attempt(ATTEMPTS, NOW, 0.0) is None
    assert sum(DELAYS) > DISABLE_AFTER > sum(DELAYS[:-1])


@given(st.integers(1, ATTEMPTS - 1), st.floats(0, 1), st.floats(0, 1e9) | st.none())
def test_a_wait_is_never_shorter_than_planned_nor_longer_than_a_day_and_a_bit(
    attempts: int, random: float, retry_after: float | None
) -> None:
    due_at = next_attempt(attempts, NOW, random, retry_after)
    assert due_at is not None
    planned = DELAYS[attempts - 1]
    assert NOW + planned <= due_at <= NOW + DELAYS[-1] * 1.1 + 1e-3
    if retry_after is not None and planned * 1.1 < retry_after < DELAYS[-1]:
        assert due_at == NOW + retry_after


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (10_000, 300)]
)
def test_pauses_double_up_to_five_minutes(failures: int, seconds: float) -> None:
    assert pause(failures, NOW) == NOW + seconds


@pytest.mark.parametrize(
    ("since", "given_up"), [(None, False), (NOW - DISABLE_AFTER + 1, False), (NOW - 3e5, True)]
)
def test_three_days_of_failure_are_too_long(since: float | None, given_up: bool) -> None:
    assert is_given_up(since, NOW) is given_up

"""How big leases are to be, and how long a denial holds: without a ledger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.counter import NEVER, Counter, Lease
from dream_gateway.gcra import Rate
from dream_gateway.lease_policy import (
    MeterOptions,
    expiry,
    limits_differ,
    remember_denial,
    resize,
    wanted,
)
from dream_gateway.storage import RATE_LEASE_SPEND_SECONDS, Grant, Quota

RATE = Rate(limit=10, period_us=1_000_000, burst=10)
units = st.integers(1, 1_000_000)


def counter(rule: Quota | Rate = Quota(100)) -> Counter:  # noqa: B008 # frozen
    return Counter("p/c", "quota", rule, None)


def lease(granted: int, opened: float = 0.0) -> Lease:
    return Lease("l", 0, 0, granted, opened)


@given(size=units, room=st.none() | st.integers(0, 1_000_000), need=units, unit=units)
def test_a_lease_is_enough_and_no_more_than_may_be(
    size: int, room: int | None, need: int, unit: int
) -> None:
    options = MeterOptions(share=0.5, most=1_000, workers=2)
    asked = counter()
    asked.size, asked.room = size, room
    found = wanted(asked, options, need, unit)
    assert found >= need
    if found > need:
        assert found <= min(size, options.most)
        assert found % unit == 0
        assert room is None or found <= room / 4


def test_strictly_what_is_needed() -> None:
    asked = counter()
    asked.size = 1_000
    assert wanted(asked, MeterOptions(strict=True), 3) == 3


def test_the_next_lease_is_bigger_while_they_are_used_up_and_smaller_when_they_are_not() -> None:
    options, asked = MeterOptions(seconds=1.0, most=32), counter()
    sizes = []
    for opened in (0.0, 0.5, 0.9, 1.2, 9.0, 20.0):
        resize(asked, options, lease(asked.size, opened), opened)
        sizes.append(asked.size)
    assert sizes == [1, 2, 4, 8, 4, 2]
    asked.size = 20
    resize(asked, options, lease(20, 20.5), 20.5)
    assert asked.size == 32


@pytest.mark.parametrize(("out", "ttl"), [(0, 2.0), (5, 0.0)])
def test_a_quota_denies_for_a_while_unless_others_may_give_units_back(out: int, ttl: float) -> None:
    asked = counter()
    remember_denial(asked, MeterOptions(deny_ttl=2.0), Grant("l", 0, 95, out, 3), 10.0)
    assert (asked.denied_until, asked.retry_at) == (10.0 + ttl, None)
    assert asked.denied_cost == 4


@pytest.mark.parametrize(("after", "until"), [(0.5, 10.5), (5.0, 12.0)])
def test_a_rate_denies_until_it_would_fit_but_is_asked_again_before(
    after: float, until: float
) -> None:
    asked = counter(RATE)
    grant = Grant("l", 0, 10, 0, 0, retry_after=after)
    remember_denial(asked, MeterOptions(deny_ttl=2.0), grant, 10.0)
    assert (asked.denied_until, asked.retry_at) == (until, 10.0 + after)


def test_only_a_rates_lease_has_an_end() -> None:
    assert expiry(counter(), lease(1, 7.0)) == NEVER
    assert expiry(counter(RATE), lease(1, 7.0)) == 7.0 + RATE_LEASE_SPEND_SECONDS


def test_a_period_that_ends_elsewhere_is_the_same_limit() -> None:
    assert not limits_differ(counter(Quota(9, 1)), counter(Quota(9, 2)))
    assert limits_differ(counter(Quota(9)), counter(Quota(8)))
    assert limits_differ(counter(RATE), counter(RATE))

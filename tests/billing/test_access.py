"""What each status of a subscription gives access to, and for how long; the table, and what follows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.billing.access import ACCESS, Access, Standing
from dream_gateway.billing.mirror import entitling, next_ask, with_anchor
from dream_gateway.billing.money import Subscribed
from dream_gateway.billing.plans import Change, change_to
from dream_gateway.model import Customer, Interval
from dream_gateway.payments import SubscriptionStatus as Status
from dream_gateway.records.subscriptions import Mirrored

NOW = 1_800_000_000.0
DAY = 86_400.0
ROW = Mirrored(
    id="sub_1",
    project_id="prj_1",
    customer_id="cus_1",
    account_id="acct_1",
    subscription_id="sub_a",
    payer_id="cus_a",
    plan="pro",
    price_id="price_1",
    status=Status.ACTIVE,
    amount=1_900,
    currency="usd",
    interval=Interval.MONTH,
    interval_count=1,
    quantity=1,
    period_start=NOW - 10 * DAY,
    period_end=NOW + 20 * DAY,
    created_at=NOW - 10 * DAY,
)


@pytest.mark.parametrize(
    ("status", "access"),
    [
        (Status.TRIALING, True),
        (Status.ACTIVE, True),
        (Status.PAST_DUE, True),
        (Status.INCOMPLETE, False),
        (Status.INCOMPLETE_EXPIRED, False),
        (Status.UNPAID, False),
        (Status.PAUSED, False),
        (Status.CANCELED, False),
    ],
)
def test_the_table(status: Status, *, access: bool) -> None:
    late = Standing(status, past_due_since=NOW)
    assert late.gives_access(NOW, 7) is access
    assert late.gives_access(NOW + 7 * DAY - 1, 7) is access
    assert late.gives_access(NOW + 7 * DAY, 7) is (access and status is not Status.PAST_DUE)
    assert late.gives_access(NOW, 0) is (access and status is not Status.PAST_DUE)
    ending = Standing(status, cancel_at=NOW + DAY)
    assert ending.gives_access(NOW + DAY - 1, 7) is access
    assert not ending.gives_access(NOW + DAY, 7)


def test_every_status_is_in_the_table() -> None:
    assert set(ACCESS) == set(Status)


instants = st.none() | st.floats(NOW - 40 * DAY, NOW + 40 * DAY)


@given(status=st.sampled_from(Status), cancel_at=instants, since=instants, grace=st.integers(0, 21))
def test_access_ends_once_and_at_the_instant_that_is_told(
    status: Status, cancel_at: float | None, since: float | None, grace: int
) -> None:
    standing = Standing(status, cancel_at, since)
    until = standing.until(grace)
    assert standing.gives_access(NOW, grace) is (
        ACCESS[status] is not Access.NONE and (until is None or until > NOW)
    )
    if until is not None:
        assert not standing.gives_access(until, grace)
        assert not standing.gives_access(until + DAY, grace)


def test_the_dearest_of_several_counts_then_the_newest() -> None:
    cheap = replace(ROW, id="sub_2", plan="basic", amount=900)
    yearly = replace(ROW, id="sub_3", amount=12_000, interval=Interval.YEAR)
    newer = replace(ROW, id="sub_4", created_at=NOW)
    over = replace(ROW, id="sub_5", amount=99_000, status=Status.CANCELED)
    foreign = replace(ROW, id="sub_6", amount=99_000, plan=None)
    assert entitling([cheap, yearly, ROW, newer, over, foreign], NOW, 7) is newer
    assert entitling([cheap, yearly], NOW, 7) is yearly
    assert entitling([over, foreign], NOW, 7) is None


@pytest.mark.parametrize(
    ("row", "at"),
    [
        (ROW, NOW + DAY),
        (replace(ROW, period_end=NOW + 3_600), NOW + 3_660),
        (replace(ROW, cancel_at=NOW + 3_600), NOW + 3_600),
        (replace(ROW, status=Status.PAST_DUE, past_due_since=NOW - 7 * DAY + 5), NOW + 5),
        (replace(ROW, status=Status.PAST_DUE, past_due_since=NOW - 8 * DAY), NOW + DAY),
        (replace(ROW, period_end=NOW), NOW + 60),
        (replace(ROW, period_end=NOW - 1_000), NOW + 500),
        (replace(ROW, cancel_at=NOW - 30 * DAY), NOW + 3_600),
        (replace(ROW, status=Status.CANCELED, cancel_at=NOW - DAY), None),
        (replace(ROW, status=Status.INCOMPLETE_EXPIRED), None),
        (replace(ROW, status=Status.UNPAID), NOW + DAY),
        (replace(ROW, period_end=None, period_start=None), NOW + DAY),
    ],
)
def test_when_the_provider_is_asked_without_news(row: Mirrored, at: float | None) -> None:
    assert next_ask(row, NOW, 7) == at


@given(
    status=st.sampled_from(Status), end=instants, cancel_at=instants, since=instants, trial=instants
)
def test_it_is_asked_again_within_a_day_and_not_at_once(
    status: Status,
    end: float | None,
    cancel_at: float | None,
    since: float | None,
    trial: float | None,
) -> None:
    row = replace(
        ROW,
        status=status,
        period_end=end,
        cancel_at=cancel_at,
        past_due_since=since,
        trial_end=trial,
    )
    at = next_ask(row, NOW, 7)
    assert at is None or NOW < at <= NOW + DAY


JANUARY_31 = 1_801_353_600.0  # 2027-01-31T00:00Z
FEBRUARY_28 = JANUARY_31 + 28 * DAY


@pytest.mark.parametrize(
    ("anchor", "interval", "start", "expected"),
    [
        (JANUARY_31, Interval.MONTH, FEBRUARY_28, JANUARY_31),
        (JANUARY_31, Interval.YEAR, JANUARY_31, JANUARY_31),
        (JANUARY_31 + 5, Interval.MONTH, FEBRUARY_28, FEBRUARY_28),
        (JANUARY_31, Interval.WEEK, JANUARY_31 + 7 * DAY, JANUARY_31),
        (JANUARY_31, Interval.MONTH, JANUARY_31 + 7 * DAY, JANUARY_31 + 7 * DAY),
    ],
)
def test_periods_are_those_of_what_is_paid(
    anchor: float, interval: Interval, start: float, expected: float
) -> None:
    customer = Customer("cus_1", "prj_1", "ada", "pro", anchor, anchor)
    row = replace(ROW, interval=interval, period_start=start)
    assert with_anchor(customer, row).anchor == expected


def offer(amount: int, interval: Interval = Interval.MONTH) -> Subscribed:
    return Subscribed(amount, "usd", interval, Status.ACTIVE, NOW)


@pytest.mark.parametrize(
    ("has", "wants", "same_tier", "change"),
    [
        (offer(900), offer(1_900), False, Change.NOW),
        (offer(900), offer(900), False, Change.NOW),
        (offer(1_900), offer(900), False, Change.PERIOD_END),
        (offer(1_900), offer(1_900), True, Change.KEPT),
        # An old price of the same tier is kept.
        (offer(1_500), offer(1_900), True, Change.KEPT),
        (offer(1_900), offer(19_000, Interval.YEAR), False, Change.NOW),
        (offer(1_900), offer(19_000, Interval.YEAR), True, Change.NOW),
        (offer(19_000, Interval.YEAR), offer(1_900), True, Change.PERIOD_END),
        (offer(9_000, Interval.YEAR), offer(1_900), False, Change.PERIOD_END),
    ],
)
def test_what_choosing_a_tier_comes_to(
    has: Subscribed, wants: Subscribed, *, same_tier: bool, change: Change
) -> None:
    assert change_to(has, wants, same_tier=same_tier) is change

"""What is to be paid of the units used: each unit beyond what is included once, and no other."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.billing.overage import (
    GIVEN_UP_SECONDS,
    GRACE_SECONDS,
    Mark,
    Span,
    advance,
    identifier,
    is_over,
)

START = 1_000.0


class Look(NamedTuple):
    """A look at the counter: the units used since the one before, and the terms at the time."""

    more: int
    included: int
    is_new: bool


@pytest.mark.parametrize(
    ("looks", "paid"),
    [
        ([Look(100, 100, False)], []),
        ([Look(150, 100, False)], [(100, 150)]),
        ([Look(150, 100, False), Look(0, 100, False)], [(100, 150)]),
        ([Look(150, 100, False), Look(7, 100, False)], [(100, 150), (150, 157)]),
        # Whoever comes to the tier within the period pays for what they use from then on.
        ([Look(600, 100, True), Look(5, 100, False)], [(600, 605)]),
        ([Look(0, 100, True), Look(150, 100, False)], [(100, 150)]),
        # More is included now; what was paid stays paid, and is not paid again.
        ([Look(150, 100, False), Look(0, 200, True), Look(60, 200, False)], [(100, 150), (200, 210)]),
        # Less is: what was used while it was included is not paid.
        ([Look(50, 200, False), Look(100, 100, True), Look(9, 100, False)], [(150, 159)]),
        # Some came back: it is given again before any more is paid.
        ([Look(150, 100, False), Look(-30, 100, False), Look(40, 100, False)], [(100, 150), (150, 160)]),
    ],
)  # fmt: skip
def test_examples(looks: list[Look], paid: list[tuple[int, int]]) -> None:
    assert account(looks) == paid


def test_who_comes_in_the_first_second_of_a_period_comes_with_it() -> None:
    for since, paid in ((START + 0.9, Span(100, 150)), (START + 1.0, None)):
        _, span = advance(None, included=100, since=since, period_start=START, used=150)
        assert span == paid


@given(st.lists(st.builds(Look, st.integers(0, 300), st.integers(0, 500), st.booleans())))
def test_each_unit_is_paid_at_most_once_and_those_beyond_are(looks: list[Look]) -> None:
    paid = account(looks)
    assert all(start < end for start, end in paid)
    assert all(before[1] <= after[0] for before, after in pairwise(paid))
    used = sum(look.more for look in looks)
    if looks and not any(look.is_new for look in looks):
        limits = {look.included for look in looks}
        if len(limits) == 1:
            assert sum(end - start for start, end in paid) == max(0, used - limits.pop())


def account(looks: list[Look]) -> list[tuple[int, int]]:
    """Return the spans that are paid, as the collector keeps its marks."""
    mark: Mark | None = None
    used, since, paid = 0, START, []
    for number, look in enumerate(looks, 1):
        used += look.more
        since = START + number if look.is_new else since
        mark, span = advance(
            mark, included=look.included, since=since, period_start=START, used=used
        )
        if span is not None:
            paid.append((span.before, span.upto))
    return paid


@pytest.mark.parametrize(
    ("end", "out", "after", "over"),
    [
        (None, 0, 10 * GIVEN_UP_SECONDS, False),
        (START, 0, -1.0, False),
        (START, 0, GRACE_SECONDS - 1, False),
        (START, 0, GRACE_SECONDS, True),
        (START, 5, GRACE_SECONDS, False),
        (START, 5, GIVEN_UP_SECONDS, True),
    ],
)
def test_a_period_is_over_once_nothing_can_come(
    end: float | None, out: int, after: float, *, over: bool
) -> None:
    assert is_over(end, out, START + after) is over


def test_the_same_units_have_the_same_name_and_others_another() -> None:
    name = identifier("prj/cus/quota/month/1", Span(100, 150))
    assert name == identifier("prj/cus/quota/month/1", Span(100, 150))
    others = {
        identifier("prj/cus/quota/month/2", Span(100, 150)),
        identifier("prj/cus/quota/month/1", Span(100, 151)),
        identifier("prj/cus/quota/month/1", Span(99, 150)),
    }
    assert name not in others
    assert len(others) == 3
    assert len(name) <= 100

"""Recurring revenue and churn: the worked examples of the reference, row by row."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.billing.money import PARTS, PER_YEAR, Subscribed, churn, totals
from dream_gateway.model import Interval
from dream_gateway.payments import SubscriptionStatus

PAGE = Path(__file__).parents[2] / "docs/reference/money.md"
DAY = 86_400.0
SPAN = (10 * DAY, 40 * DAY)
PRICE = re.compile(r"(\d+) ([a-z]{3})/(\w+)(?: x(\d+))?(?: every (\d+))?")


def table(heading: str) -> list[dict[str, str]]:
    """Return the rows of the table of the reference that is headed `section: first column`."""
    section, column = heading.split(": ")
    lines = iter(PAGE.read_text().split(f"## {section}")[1].split("\n## ")[0].splitlines())
    names = next(_cells(line) for line in lines if line.startswith(f"| {column} |"))
    next(lines)
    rows = takewhile(lambda line: line.startswith("|"), lines)
    return [dict(zip(names, _cells(row), strict=True)) for row in rows]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def parsed(text: str) -> Subscribed:
    """Return the subscription that an example describes."""
    found = PRICE.match(text)
    assert found is not None, text
    amount, currency, interval, quantity, every = found.groups()
    words = text[found.end() :].split()
    state = words.pop(0)
    cancelling = state == "cancelling"
    days = {word: float(words[at + 1]) * DAY for at, word in enumerate(words) if word.isalpha()}
    return Subscribed(
        amount=int(amount),
        currency=currency,
        interval=Interval(interval),
        status=SubscriptionStatus("active" if cancelling or state.isdigit() else state),
        created_at=float(state) * DAY if state.isdigit() else 0.0,
        interval_count=int(every or 1),
        quantity=int(quantity or 1),
        trial_end=days.get("trial"),
        cancel_at=50 * DAY if cancelling else None,
        ended_at=days.get("end"),
    )


def by_currency(cell: str, currencies: list[str]) -> dict[str, int]:
    """Return the number of each currency that a cell tells: one without a currency is everybody's."""
    if cell.isdigit():
        return dict.fromkeys(currencies, int(cell))
    return {word[:3]: int(word[4:]) for word in cell.split(", ")}


@pytest.mark.parametrize("row", table("Recurring revenue: subscriptions"), ids=str)
def test_totals_are_those_of_the_reference(row: dict[str, str]) -> None:
    found = totals([parsed(each) for each in row.pop("subscriptions").split(", ")])
    told = {name: by_currency(cell, list(found)) for name, cell in row.items()}
    assert {name: {c: getattr(t, name) for c, t in found.items()} for name in row} == told


def test_the_reference_tells_what_every_status_counts_as() -> None:
    told = {
        (SubscriptionStatus(status), end): (row["counts as"], row["recurs"])
        for row in table("Recurring revenue: status")
        for status in row["status"].split(", ")
        for end in (("yes", "no") if row["is to end"] == "either" else (row["is to end"],))
    }
    assert {status for status, _ in told} == set(SubscriptionStatus) == set(PARTS)
    for (status, end), (part, recurs) in told.items():
        cancel_at = DAY if end == "yes" else None
        each = Subscribed(100, "usd", Interval.MONTH, status, 0.0, cancel_at=cancel_at)
        assert (each.part, totals([each])["usd"].mrr) == (part, 100 if recurs == "yes" else 0)


@pytest.mark.parametrize("row", table("Churn: subscriptions"), ids=str)
def test_churn_is_that_of_the_reference(row: dict[str, str]) -> None:
    found = churn([parsed(each) for each in row["subscriptions"].split(", ")], *SPAN)["usd"]
    numbers = [str(getattr(found, name)) for name in ("paying", "lost", "mrr", "mrr_lost")]
    assert numbers == [row[name] for name in ("paying", "lost", "mrr", "mrr lost")]
    assert _share(row["rate"]) == found.rate
    assert _share(row["mrr rate"]) == found.mrr_rate


def _share(cell: str) -> Fraction | None:
    return None if cell == "none" else Fraction(cell)


def test_what_never_began_is_not_lost() -> None:
    never = Subscribed(
        1000, "usd", Interval.MONTH, SubscriptionStatus.INCOMPLETE_EXPIRED, 0.0, ended_at=20 * DAY
    )
    assert churn([never], *SPAN)["usd"].lost == 0


SUBSCRIPTIONS = st.lists(
    st.builds(
        Subscribed,
        amount=st.integers(0, 10**9),
        currency=st.sampled_from(["eur", "jpy", "usd"]),
        interval=st.sampled_from(sorted(PER_YEAR)),
        status=st.sampled_from(SubscriptionStatus),
        created_at=st.floats(0, 50 * DAY),
        interval_count=st.integers(1, 12),
        quantity=st.integers(1, 1000),
        trial_end=st.none() | st.floats(0, 50 * DAY),
        cancel_at=st.none() | st.floats(0, 50 * DAY),
        ended_at=st.none() | st.floats(0, 50 * DAY),
    ),
    max_size=20,
)


@given(SUBSCRIPTIONS)
def test_no_currency_has_anything_of_another(every: list[Subscribed]) -> None:
    found, lost = totals(every), churn(every, *SPAN)
    assert list(found) == list(lost) == sorted({each.currency for each in every})
    for currency in found:
        own = [each for each in every if each.currency == currency]
        assert totals(own) == {currency: found[currency]}
        assert churn(own, *SPAN) == {currency: lost[currency]}


@given(SUBSCRIPTIONS)
def test_rounding_is_off_by_less_than_a_unit_in_all(every: list[Subscribed]) -> None:
    for total in totals(every).values():
        assert isinstance(total.mrr, int)
        assert isinstance(total.arr, int)
        assert abs(total.arr - 12 * total.mrr) <= 7
    for each in churn(every, *SPAN).values():
        assert 0 <= each.lost <= each.paying
        assert 0 <= each.mrr_lost <= each.mrr

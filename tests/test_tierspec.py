"""Tiers in one line: what is written is read, and what is wrong is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.errors import ConfigurationError
from dream_gateway.model import Allowance, AllowanceKind, Interval, Overage, Tier
from dream_gateway.tierspec import TOO_SHORT_TO_BILL, format_tier, parse_tier, parse_tiers

QUOTAS = st.builds(
    Allowance,
    st.just(AllowanceKind.QUOTA),
    st.none() | st.integers(0, 10**15),
    st.sampled_from(list(Interval)),
)
RATES = st.builds(
    Allowance,
    st.just(AllowanceKind.RATE),
    st.integers(1, 10**15),
    st.sampled_from([i for i in Interval if i is not Interval.LIFETIME]),
    st.integers(1, 10**15),
)
OVERAGES = st.builds(Overage, st.integers(1, 10**15), st.integers(1, 10**15))


@given(
    st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True),
    QUOTAS,
    st.none() | RATES,
    st.none() | OVERAGES,
)
def test_a_tier_is_read_back_as_it_was_written(
    name: str, quota: Allowance, rate: Allowance | None, overage: Overage | None
) -> None:
    allowances = (quota,) if rate is None else (quota, rate)
    if quota.limit is None or quota.interval in TOO_SHORT_TO_BILL:
        overage = None
    tier = Tier(name=name, allowances=allowances, display_name=name, overage=overage)
    assert parse_tier(format_tier(tier)) == tier


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ("free", "NAME=LIMIT"),
        ("=5", "NAME=LIMIT"),
        ("free=many", "'many'"),
        ("free=-1", "'-1'"),
        ("free=1/fortnight", "'fortnight'"),
        ("free=1@10", "interval"),
        ("free=1@0/s", "'0'"),
        ("free=1@1/s:x", "'x'"),
        ("free=1+x/5", "'x'"),
        ("free=1+5/0", "'0'"),
        ("free=1+0", "'0'"),
        ("free=unlimited+5", "limit to be beyond"),
        ("free=1/h+5", "by the hour"),
        ("free=" + "9" * 5_000, "between"),
    ],
)
def test_a_fault_names_its_part(spec: str, part: str) -> None:
    with pytest.raises(ConfigurationError, match=part):
        parse_tier(spec)


def test_a_name_that_is_there_twice_is_refused() -> None:
    assert [tier.name for tier in parse_tiers(["free=1/month", "pro=2/month"])] == ["free", "pro"]
    with pytest.raises(ConfigurationError, match="the name free is there twice"):
        parse_tiers(["free=1/month", "free=2/month"])

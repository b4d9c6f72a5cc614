"""Tiers in one line: what is written is read, and what is wrong is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dream_gateway.errors import ConfigurationError
from dream_gateway.model import Allowance, AllowanceKind, Interval, Tier
from dream_gateway.tierspec import format_tier, parse_tier

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


@given(st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True), QUOTAS, st.none() | RATES)
def test_a_tier_is_read_back_as_it_was_written(
    name: str, quota: Allowance, rate: Allowance | None
) -> None:
    allowances = (quota,) if rate is None else (quota, rate)
    tier = Tier(name=name, allowances=allowances, display_name=name)
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
        ("free=" + "9" * 5_000, "between"),
    ],
)
def test_a_fault_names_its_part(spec: str, part: str) -> None:
    with pytest.raises(ConfigurationError, match=part):
        parse_tier(spec)

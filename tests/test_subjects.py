"""Whose counters a request is charged to, and what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from dream_gateway.model import (
    Allowance,
    AllowanceKind,
    Credential,
    Customer,
    Interval,
    KeyKind,
    Mode,
    Overage,
    Project,
    Tier,
)
from dream_gateway.storage import SHARDS, Quota, shard_of
from dream_gateway.subjects import Subject

if TYPE_CHECKING:
    from dream_gateway.counter import Counter
    from dream_gateway.meter import Meter

NOW = 1_800_000_000.0
PACE = Allowance(AllowanceKind.RATE, 10, Interval.SECOND)
QUOTA = Allowance(AllowanceKind.QUOTA, 1000, Interval.MONTH)


class Names:
    """Takes every counter as it is asked for."""

    def counter(self, template: Counter) -> Counter:
        return template


@pytest.fixture
def subject() -> Subject:
    project = Project("prj_1", "plt_1", "API", Mode.LIVE, "free", allowances=(QUOTA, PACE))
    customer = Customer("cus_1", "prj_1", "u-1", "free", NOW, NOW)
    key = Credential("key_1", KeyKind.CUSTOMER, "prj_1", "ak_live_", "abcd", NOW, rate=PACE)
    return Subject(project, customer, Tier("free", (QUOTA, QUOTA, PACE)), key)


@pytest.fixture
def counters(subject: Subject) -> tuple[Counter, ...]:
    return subject.at(NOW, cast("Meter", Names()))


def test_each_allowance_has_a_counter_of_its_own(counters: tuple[Counter, ...]) -> None:
    names = ["key-rate", "quota", "quota-2", "rate", "project-quota", "project-rate"]
    assert [counter.name for counter in counters] == names
    assert len({counter.key for counter in counters}) == len(names)


def test_all_counters_of_a_request_are_of_their_projects_group(
    counters: tuple[Counter, ...],
) -> None:
    # An event's scope is its project's id: a ledger of several machines charges it in one place.
    assert {shard_of(counter.key) for counter in counters} == {shard_of("prj_1")}
    assert {counter.key.partition("/")[0] for counter in counters} == {"prj_1"}


def test_by_a_clock_that_is_behind_a_new_customer_is_in_their_first_period(
    subject: Subject, counters: tuple[Counter, ...]
) -> None:
    # Another node's clock, or a step back: a period before the first would be a second quota.
    before = [each.key for each in subject.at(NOW - 3_600, cast("Meter", Names()))]
    assert before[1:4] == [each.key for each in counters][1:4]


def test_overage_lifts_the_first_limit_of_the_tier_and_no_other(subject: Subject) -> None:
    subject.tier = Tier("free", (QUOTA, QUOTA, PACE), overage=Overage(50, 100))
    found = subject.at(NOW, cast("Meter", Names()))
    quotas = {c.name: c.rule.limit for c in found if isinstance(c.rule, Quota)}
    assert quotas == {"quota": None, "quota-2": 1000, "project-quota": 1000}
    assert {c.name for c in found} - set(quotas) == {"key-rate", "rate", "project-rate"}


def test_shards_never_move() -> None:
    assert [shard_of(name) for name in ("", "prj_1", "prj_1/cus_1/quota", "pr\u00e9")] == [
        0, 146, 146, 127,
    ]  # fmt: skip
    assert len({shard_of(f"prj_{number}") for number in range(20 * SHARDS)}) == SHARDS

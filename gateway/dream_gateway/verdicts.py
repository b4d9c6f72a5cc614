"""Counters as callers see them: verdicts, usage and the state of each limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.model import Period, PolicyState, Usage, Verdict
from dream_gateway.storage import Quota

if TYPE_CHECKING:
    from dream_gateway.counter import Counter
    from dream_gateway.meter import Denial
    from dream_gateway.subjects import Subject

MICROSECONDS = 1_000_000


def verdict(
    subject: Subject, code: str, cost: int, now: float, *, denial: Denial | None = None
) -> Verdict:
    """Return the verdict on a resolved caller. `denial` is the counter's, for a limit's refusal."""
    counters = subject.counters
    violated = None if denial is None else state(denial.counter, now)
    retry_after = None
    if denial is not None and violated is not None:
        retry_after = violated.reset if denial.retry_after is None else denial.retry_after
    return Verdict(
        code == "allowed",
        code,
        cost,
        subject.credential,
        subject.project,
        subject.customer,
        subject.tier,
        usage(subject),
        tuple([state(c, now) for c in counters if c.rule.limit is not None]),
        violated,
        retry_after,
        counters if code == "allowed" else None,
    )


def usage(subject: Subject, used: int | None = None) -> Usage | None:
    """Return the usage of the customer's quota, `None` if the tier has none."""
    quota = subject.quota
    if quota is None:
        return None
    count = quota.used() if used is None else used
    return Usage(count, quota.limit, quota.period or Period(0, None))


def state(counter: Counter, now: float) -> PolicyState:
    """Return how the counter's limit stands."""
    limit, remaining = counter.limit or 0, counter.remaining() or 0
    rule = counter.rule
    if isinstance(rule, Quota):
        end = rule.period_end
        start = counter.period.start if counter.period is not None else 0
        window = None if end is None else end - start
        reset = 0.0 if end is None else max(0.0, end - now)
        return PolicyState(counter.name, limit, window, remaining, reset)
    missing = (limit - min(remaining, limit)) * rule.period_us / rule.limit
    window = max(1, rule.span(limit) // MICROSECONDS)
    return PolicyState(counter.name, limit, window, min(remaining, limit), missing / MICROSECONDS)

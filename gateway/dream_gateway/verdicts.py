"""Counters as callers see them: verdicts, usage and the state of each limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.model import Period, PolicyState, Usage, Verdict
from dream_gateway.storage import Quota

if TYPE_CHECKING:
    from dream_gateway.counter import Counter
    from dream_gateway.subjects import Subject
    from dream_gateway.waiting import Denial

MICROSECONDS = 1_000_000


class Admitted(Verdict):
    """The verdict on a warm request: what is not asked for is never made.

    `usage` and `policies` are of the moment they are first read, not before the verdict.
    """

    __slots__ = ("now", "subject")

    def __init__(self, subject: Subject, cost: int, now: float) -> None:
        self.allowed = True
        self.code = "allowed"
        self.cost = cost
        self.receipt = subject.counters
        self.subject = subject
        self.now = now

    def __getattr__(self, name: str) -> object:
        """Fill the slot of a field that is read for the first time."""
        subject = self.subject
        match name:
            case "usage":
                self.usage = usage(subject)
            case "policies":
                self.policies = policies(subject, self.now)
            case "violated" | "retry_after":
                self.violated = self.retry_after = None
            case "credential" | "project" | "customer" | "tier":
                self.credential, self.project = subject.credential, subject.project
                self.customer, self.tier = subject.customer, subject.tier
            case _:
                raise AttributeError(name)
        return object.__getattribute__(self, name)


def refused(subject: Subject, code: str, cost: int) -> Verdict:
    """Return the verdict on a caller who is refused for who they are, not for a limit."""
    return Verdict(
        False, code, cost, subject.credential, subject.project, subject.customer, subject.tier
    )


def verdict(
    subject: Subject, code: str, cost: int, now: float, *, denial: Denial | None = None
) -> Verdict:
    """Return the verdict on a resolved caller. `denial` is the counter's, for a limit's refusal."""
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
        policies(subject, now),
        violated,
        retry_after,
        subject.counters if code == "allowed" else None,
    )


def policies(subject: Subject, now: float) -> tuple[PolicyState, ...]:
    """Return how each of the subject's limits stands."""
    return tuple([state(c, now) for c in subject.counters if c.rule.limit is not None])


def usage(subject: Subject, used: int | None = None) -> Usage | None:
    """Return the usage of the customer's quota, `None` if the tier has none."""
    quota = subject.quota
    if quota is None:
        return None
    count = quota.used() if used is None else used
    period = quota.period or Period(0, None)
    if quota.included is None:
        return Usage(count, quota.limit, period)
    return Usage(count, quota.included, period, is_paid_beyond=True)


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


def short_of(counter: Counter) -> str:
    """Return the code of the refusal where a counter has not enough."""
    return "quota_exceeded" if isinstance(counter.rule, Quota) else "rate_limited"

"""Limits on cost, and the periods they hold for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

UNLIMITED = None
"""The limit of an allowance that is counted but never refused."""


class Interval(StrEnum):
    """How long a quota's period, or the denominator of a rate, is."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


class AllowanceKind(StrEnum):
    """`QUOTA`: so many units per period. `RATE`: a sustained rate with a burst (GCRA)."""

    QUOTA = "quota"
    RATE = "rate"


class Alignment(StrEnum):
    """Where a customer's periods start: at the anniversary of their start, or with the calendar."""

    ANNIVERSARY = "anniversary"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span of time, `[start, end)`, in whole seconds since the epoch, UTC.

    `end` is `None` for a lifetime.
    """

    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Allowance:
    """A limit on cost: `limit` units per `interval`, `None` when unlimited.

    `burst` is how many units a rate admits at once, from rest; a quota has none.
    """

    kind: AllowanceKind
    limit: int | None
    interval: Interval
    burst: int | None = None

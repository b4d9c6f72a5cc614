"""Billing periods in UTC: whole days, weeks, months and years from an anchor."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

DAY = 86_400
HOUR = 3_600
DAYS = {"day": 1, "week": 7}
MONTHS = {"month": 1, "year": 12}


def after(anchor: int, interval: str, count: int) -> int:
    """Return the instant `count` intervals after an anchor.

    A month that has no such day ends on its last one; the anchor's day comes back with the next.
    """
    start = datetime.fromtimestamp(anchor, UTC)
    if interval in DAYS:
        return int((start + timedelta(days=DAYS[interval] * count)).timestamp())
    months = start.year * 12 + start.month - 1 + MONTHS[interval] * count
    year, month = divmod(months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def period_at(anchor: int, interval: str, count: int, now: int) -> tuple[int, int]:
    """Return the period that an instant is in, of those that begin at the anchor."""
    turns = 0
    while after(anchor, interval, (turns + 1) * count) <= now:
        turns += 1
    return after(anchor, interval, turns * count), after(anchor, interval, (turns + 1) * count)

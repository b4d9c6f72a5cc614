"""Period arithmetic: which period an instant is in. Pure, UTC, whole seconds.

Periods are counted from the original anchor, never from the period before: a start on 31 January gives
28 February and then 31 March. Periods tile time, before the anchor too.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from math import floor

from dream_gateway.model import Interval, Period

SECONDS = {
    Interval.SECOND: 1,
    Interval.MINUTE: 60,
    Interval.HOUR: 3_600,
    Interval.DAY: 86_400,
    Interval.WEEK: 604_800,
}
MONTHS = {Interval.MONTH: 1, Interval.YEAR: 12}
NOMINAL_MONTH = 30 * 86_400
NOMINAL_YEAR = 365 * 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_MONDAY = 4 * 86_400
"""The epoch was a Thursday; ISO 8601 weeks start on Mondays."""


def seconds_of(interval: Interval) -> int | None:
    """Return an interval's length; of a month 30 days, of a year 365; `None` for a lifetime."""
    if interval is Interval.LIFETIME:
        return None
    if interval is Interval.MONTH:
        return NOMINAL_MONTH
    return NOMINAL_YEAR if interval is Interval.YEAR else SECONDS[interval]


def period(anchor: float, interval: Interval, now: float) -> Period:
    """Return the period that `now` is in, of those that start from `anchor`.

    Raises `ValueError` where that would leave the years 1 to 9999.
    """
    start = floor(anchor)
    if interval is Interval.LIFETIME:
        return Period(start, None)
    if interval in MONTHS:
        return _months(start, MONTHS[interval], now)
    length = SECONDS[interval]
    begin = start + (floor(now) - start) // length * length
    return Period(begin, begin + length)


def calendar_period(interval: Interval, now: float) -> Period:
    """Return the calendar's period that `now` is in; weeks start on Monday, a lifetime at 0."""
    return period(FIRST_MONDAY if interval is Interval.WEEK else 0, interval, now)


def _months(anchor: int, step: int, now: float) -> Period:
    origin, moment = _datetime(anchor), _datetime(floor(now))
    months = (moment.year - origin.year) * 12 + moment.month - origin.month
    count = months // step
    # The day of the month decides whether this month's start is still to come.
    if _plus(origin, count * step) > moment:
        count -= 1
    start, end = _plus(origin, count * step), _plus(origin, (count + 1) * step)
    return Period(_seconds(start), _seconds(end))


def _plus(origin: datetime, months: int) -> datetime:
    """Return the origin that many months on, on its day or the month's last if that is earlier."""
    year, month0 = divmod(origin.year * 12 + origin.month - 1 + months, 12)
    last = calendar.monthrange(year, month0 + 1)[1]
    return origin.replace(year=year, month=month0 + 1, day=min(origin.day, last))


def _datetime(seconds: int) -> datetime:
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError as exc:
        raise ValueError("The instant is not in the years 1 to 9999.") from exc


def _seconds(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds())

"""What the crowd did on each day, worked out by the database, and the project's series of it."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, case, column, func, insert, literal, select, values

from dream_gateway import series
from dream_gateway.demo.bulk import insert_all
from dream_gateway.records.rollup_schema import customer_usage, usage_rollups
from dream_gateway.records.rollups import Used
from dream_gateway.records.schema import end_users
from dream_gateway.series import Granularity, start_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from sqlalchemy import CTE, ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer

MINUTE, HOUR, DAY = 60, 3_600, 86_400
DAYS_AT_ONCE = 7
"""Days that one statement makes: a database may give up on one that takes long."""

COLUMNS = ("project_id", "granularity", "start", "metric", "value")
HOURS_KEPT = 62
"""Days of which there are hours."""

DAILY = {"free": 11, "starter": 230, "pro": 2_000, "scale": 9_000}
"""About how many units somebody uses on a day on which they do anything."""

BY_HOUR = (4, 3, 3, 3, 4, 5, 7, 10, 14, 17, 18, 18, 17, 18, 19, 18, 17, 15, 13, 11, 9, 8, 6, 5)
BY_WEEKDAY = (100, 108, 112, 109, 96, 52, 47)
"""Percent of an ordinary day, from Monday on."""

LATENCIES = (0, 1, 3, 9, 21, 30, 22, 9, 3, 2)
"""Percent of requests by the buckets of `series.LATENCY_BOUNDS`."""

SAMPLED = 20
"""Of so many requests one has its latency known."""

REFUSALS = (("quota_exceeded", 62), ("rate_limited", 33), ("insufficient_scope", 5))
"""Percent of what is refused."""

Row = tuple[str, int, str, int]
"""Granularity, start, metric, value."""


async def add(writer: Writer, project_id: str, days: int, hours: int) -> None:
    """Give every customer of a project a past of so many days, and the project its series.

    Of the last `hours` it has minutes, too.
    """
    run, now = writer.connection.execute, int(writer.now)
    first = start_of(Granularity.DAY, now) - (days - 1) * DAY
    for begin in range(first, now + 1, DAYS_AT_ONCE * DAY):
        query = _days_of_customers(project_id, _calendar(first, begin, now), now)
        await run(insert(customer_usage).from_select(list(customer_usage.c.keys()), query))
    await _sum_months(writer.connection, project_id, first, now)
    rows = [row async for row in _rows(writer.connection, project_id, now, hours)]
    named = [dict(zip(COLUMNS, (project_id, *row), strict=True)) for row in rows]
    await insert_all(writer.connection, usage_rollups, named)


def _calendar(first: int, begin: int, now: int) -> CTE:
    """Return some days as a table: when each begins, its number, and how much is done on it."""
    whole = (now % DAY) / DAY
    days = [
        (
            start,
            (start - first) // DAY,
            int(BY_WEEKDAY[(start // DAY + 3) % 7] * (1.0 if start + DAY <= now else whole)),
        )
        for start in range(begin, min(now + 1, begin + DAYS_AT_ONCE * DAY), DAY)
    ]
    names = column("start", BigInteger), column("day", Integer), column("share", Integer)
    return values(*names, name="days").data(days).cte("days")


def _days_of_customers(project_id: str, days: CTE, now: int) -> Select[Any]:
    user = end_users.c
    # The same for the same customer and day, and like nothing that is near.
    mixed = (user.position * 7_919 + days.c.day * 104_729 + user.position * days.c.day * 31) % 1_000
    daily: ColumnElement[int] = case(DAILY, value=user.plan, else_=10)
    # A few do most of it.
    own = daily * (15 + 355 // (1 + user.position % 23))
    units = 1 + own * (200 + mixed) * days.c.share // 7_000_000
    denied = case((mixed % 29 == 0, 1 + units // 9), else_=0)
    requests = units - units // 12
    often = case({"free": 180, "starter": 440}, value=user.plan, else_=780)
    return (
        select(
            literal(project_id),
            user.id,
            literal(Granularity.DAY.value),
            days.c.start,
            requests,
            units,
            denied,
        )
        .where(user.project_id == project_id, user.created_at < days.c.start + DAY)
        .where(mixed < often, days.c.start <= now)
        # As the table is kept: each row goes to its end.
        .order_by(user.id, days.c.start)
    )


async def _sum_months(connection: AsyncConnection, project_id: str, first: int, now: int) -> None:
    found = customer_usage.c
    for start in series.starts(Granularity.MONTH, first, now + 1):
        end = series.starts(Granularity.MONTH, start, start + 40 * DAY)[1]
        whole = (
            select(
                found.project_id,
                found.customer_id,
                literal(Granularity.MONTH.value),
                literal(start, BigInteger),
                *(func.sum(found[name]) for name in Used._fields),
            )
            .where(found.project_id == project_id, found.granularity == Granularity.DAY.value)
            .where(found.start >= start, found.start < end)
            .group_by(found.project_id, found.customer_id)
        )
        await connection.execute(
            insert(customer_usage).from_select(list(customer_usage.c.keys()), whole)
        )


async def _rows(
    connection: AsyncConnection, project_id: str, now: int, hours: int
) -> AsyncIterator[Row]:
    """Yield the rows of the project's series: days, and what they are made of."""
    found = customer_usage.c
    query = (
        select(found.start, *(func.sum(found[name]).label(name) for name in Used._fields))
        .where(found.project_id == project_id, found.granularity == Granularity.DAY.value)
        .group_by(found.start)
    )
    for row in await connection.execute(query.order_by(found.start)):
        for metric, value in _metrics(Used(int(row[1]), int(row[2]), int(row[3]))):
            for each in _spans(metric, row.start, value, (now, hours)):
                yield each


def _metrics(used: Used) -> Iterator[tuple[str, int]]:
    yield series.REQUESTS, used.requests
    yield series.UNITS, used.units
    names = [series.denied(code) for code, _ in REFUSALS]
    yield from zip(names, split(used.denied, [share for _, share in REFUSALS]), strict=True)
    names = [f"{series.LATENCY}.{bound}" for bound in series.LATENCY_BOUNDS[: len(LATENCIES)]]
    yield from zip(names, split(used.requests // SAMPLED, LATENCIES), strict=True)


def _spans(metric: str, day: int, value: int, until: tuple[int, int]) -> Iterator[Row]:
    """Yield a day's row, those of its hours, and those of their minutes, as far as they are kept."""
    now, minutely = until
    if not value:
        return
    yield Granularity.DAY.value, day, metric, value
    if day < now - HOURS_KEPT * DAY:
        return
    hours = min(24, (now - day) // HOUR + 1)
    for hour, part in enumerate(split(value, BY_HOUR[:hours])):
        start = day + hour * HOUR
        if part:
            yield Granularity.HOUR.value, start, metric, part
        if start < now - minutely * HOUR:
            continue
        minutes = min(60, (now - start) // MINUTE + 1)
        for minute, bit in enumerate(split(part, [1 + n * 7 % 3 for n in range(minutes)])):
            if bit:
                yield Granularity.MINUTE.value, start + minute * MINUTE, metric, bit


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Return a whole number in parts by weight, which make up all of it."""
    whole, parts, given = sum(weights), [], 0
    for reached in accumulate(weights):
        upto = total * reached // whole
        parts.append(upto - given)
        given = upto
    return parts

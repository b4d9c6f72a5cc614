"""Queries about what happened, added up: a project's series, and its customers' usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, func, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from dream_gateway.records.rollup_schema import customer_usage, usage_rollups
from dream_gateway.series import OF_CUSTOMERS, OF_PROJECTS, start_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement, RowMapping, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer
    from dream_gateway.series import Granularity

ROWS_AT_ONCE = 500
"""Rows that are made ready at a time: others have their turn on the event loop in between."""


class Point(NamedTuple):
    """What was counted of a metric in the span that begins at `start`."""

    metric: str
    start: int
    value: int


class Used(NamedTuple):
    """What a customer did: requests admitted, the units they cost, and requests refused."""

    requests: int = 0
    units: int = 0
    denied: int = 0


class CustomerUse(NamedTuple):
    """What one customer did in the span that begins at `start`."""

    customer_id: str
    start: int
    used: Used


Counted = dict[tuple[str, str, int], int]
"""Counts by project, metric and instant: the beginning of a minute."""

CountedUse = dict[tuple[str, str, int], Used]
"""What customers did, by project, customer and instant: the beginning of a minute."""


async def add(writer: Writer, counted: Counted, used: CountedUse) -> None:
    """Add counts to the spans of every granularity that they are in.

    Rows are touched in one order, so that those who add at the same time never wait in a circle.
    """
    spans = _spans({at for *_, at in counted} | {at for *_, at in used})
    values: dict[tuple[str, str, int, str], int] = {}
    for (project, metric, at), value in counted.items():
        for granularity in OF_PROJECTS:
            row = (project, granularity.value, spans[at][granularity], metric)
            values[row] = values.get(row, 0) + value
    uses: dict[tuple[str, str, str, int], Used] = {}
    for (project, customer, at), each in used.items():
        for granularity in OF_CUSTOMERS:
            key = (project, customer, granularity.value, spans[at][granularity])
            uses[key] = plus(uses[key], each) if key in uses else each
    connection = writer.connection
    rows = [(*row, value) for row, value in sorted(values.items())]
    await _upsert(connection, usage_rollups, rows, ("value",))
    more = [(*key, *each) for key, each in sorted(uses.items())]
    await _upsert(connection, customer_usage, more, Used._fields)


def _spans(instants: Collection[int]) -> dict[int, dict[Granularity, int]]:
    """Return when the spans begin that each instant is in."""
    every = {*OF_PROJECTS, *OF_CUSTOMERS}
    return {at: {each: start_of(each, at) for each in every} for at in instants}


def plus(one: Used, other: Used) -> Used:
    """Return what two made together."""
    return Used(one.requests + other.requests, one.units + other.units, one.denied + other.denied)


async def series(
    connection: AsyncConnection,
    project_ids: Collection[str] | None,
    granularity: Granularity,
    kinds: Collection[str],
    span: tuple[float, float],
) -> list[Point]:
    """Return what some projects (`None`: all, and what is nobody's) counted in `[since, until)`.

    `kinds` are the metrics' words: with a detail, each is a point of its own.
    """
    at = usage_rollups.c
    total = func.sum(at.value).label("value")
    wanted = (
        at.granularity == granularity.value,
        at.start >= start_of(granularity, span[0]),
        at.start < span[1],
        any_kind(kinds),
    )
    query = select(at.metric, at.start, total).where(*wanted).group_by(at.metric, at.start)
    if project_ids is not None:
        query = query.where(at.project_id.in_(sorted(project_ids)))
    rows = await connection.execute(query.order_by(at.start, at.metric))
    return [Point(row.metric, row.start, int(row.value)) for row in rows]


async def top_customers(
    connection: AsyncConnection, project_id: str, granularity: Granularity, at: float, limit: int
) -> list[CustomerUse]:
    """Return who used most units in the span that an instant is in, most first."""
    found = customer_usage.c
    here = _of_span(project_id, granularity, at)
    query = select(customer_usage).where(here).order_by(found.units.desc(), found.customer_id)
    return [_use(row) for row in (await connection.execute(query.limit(limit))).mappings()]


async def of_customers(
    connection: AsyncConnection,
    project_id: str,
    customer_ids: Collection[str],
    granularity: Granularity,
    at: float,
) -> Mapping[str, Used]:
    """Return what each of some customers did in the span that an instant is in."""
    found = customer_usage.c
    query = select(customer_usage).where(
        found.project_id == project_id,
        found.customer_id.in_(sorted(customer_ids)),
        found.granularity == granularity.value,
        found.start == start_of(granularity, at),
    )
    rows = [_use(row) for row in (await connection.execute(query)).mappings()]
    return {row.customer_id: row.used for row in rows}


async def of_customer(
    connection: AsyncConnection,
    project_id: str,
    customer_id: str,
    granularity: Granularity,
    span: tuple[float, float],
) -> list[CustomerUse]:
    """Return what a customer did in each span of `[since, until)` in which they did anything."""
    found = customer_usage.c
    query = select(customer_usage).where(
        found.project_id == project_id,
        found.customer_id == customer_id,
        found.granularity == granularity.value,
        found.start >= start_of(granularity, span[0]),
        found.start < span[1],
    )
    rows = (await connection.execute(query.order_by(found.start))).mappings()
    return [_use(row) for row in rows]


async def active_customers(
    connection: AsyncConnection, project_id: str, granularity: Granularity, at: float
) -> int:
    """Return how many customers did anything in the span that an instant is in."""
    here = _of_span(project_id, granularity, at)
    query = select(func.count()).select_from(customer_usage).where(here)
    return int((await connection.execute(query)).scalar_one())


async def prune(writer: Writer, granularity: Granularity, before: float, limit: int) -> int:
    """Delete at most `limit` rows of spans of one granularity that began before an instant.

    Return how many went.
    """
    gone = 0
    for table in (usage_rollups, customer_usage):
        key = list(table.primary_key.columns)
        old = (table.c.granularity == granularity.value) & (table.c.start < int(before))
        some = select(*key).where(old).limit(limit - gone)
        query = delete(table).where(tuple_(*key).in_(some))
        gone += (await writer.connection.execute(query)).rowcount
    return gone


async def _upsert(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[tuple[object, ...]],
    summed: Collection[str],
) -> None:
    on_postgres = connection.dialect.name == "postgresql"
    new = postgresql.insert(table) if on_postgres else sqlite.insert(table)
    sums = {name: table.c[name] + new.excluded[name] for name in summed}
    keys = list(table.primary_key.columns)
    query = new.on_conflict_do_update(index_elements=keys, set_=sums)
    names = [column.name for column in table.columns]
    for at in range(0, len(rows), ROWS_AT_ONCE):
        some = [dict(zip(names, row, strict=True)) for row in rows[at : at + ROWS_AT_ONCE]]
        await connection.execute(query, some)


def any_kind(kinds: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a metric is of one of some kinds."""
    metric = usage_rollups.c.metric
    detailed = [metric.startswith(f"{kind}.", autoescape=True) for kind in sorted(kinds)]
    return or_(metric.in_(sorted(kinds)), *detailed)


def _of_span(project_id: str, granularity: Granularity, at: float) -> ColumnElement[bool]:
    found = customer_usage.c
    return (
        (found.project_id == project_id)
        & (found.granularity == granularity.value)
        & (found.start == start_of(granularity, at))
    )


def _use(row: RowMapping) -> CustomerUse:
    used = Used(row["requests"], row["units"], row["denied"])
    return CustomerUse(row["customer_id"], row["start"], used)

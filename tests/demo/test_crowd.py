"""The crowd: what it holds together by, on each engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from dream_gateway.administration import Administration
from dream_gateway.command_stores import open_stores
from dream_gateway.demo.crowd import TIERS, Crowd, populate
from dream_gateway.demo.crowd_history import split
from dream_gateway.errors import ConflictError
from dream_gateway.model import Mode
from dream_gateway.records import rollups, tiers
from dream_gateway.records.billing_schema import inbox, orders
from dream_gateway.records.rollup_schema import customer_usage, usage_rollups
from dream_gateway.records.rows import customer_of
from dream_gateway.records.schema import api_keys, end_users, subscriptions
from dream_gateway.series import DENIED, REQUESTS, UNITS, Granularity
from dream_gateway.settings import Settings
from dream_gateway.storage import Quota, Role
from dream_gateway.subjects import Subject, templates
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection

ROLES = (Role.RECORDS, Role.FEED, Role.LEDGER)
SMALL = Crowd(customers=300, days=40, hours=2, events=60, orders=20)
NOW = 1_795_700_000.0


async def test_a_crowd_holds_together(store: str) -> None:
    clock = FakeClock(NOW)
    async with open_stores(replace(Settings(), store=store), clock, ROLES) as (records, stores):
        made = await Administration(records).create_platform("a", Mode.TEST, TIERS[:1], ())
        project = made.project
        await populate(records, stores.ledger(), project.id, SMALL)
        async with records.read() as connection:
            expected = {end_users: 300, api_keys: 302, subscriptions: 90, inbox: 60, orders: 20}
            assert {table: await count(connection, table) for table in expected} == expected
            span = (NOW - 40 * 86_400, NOW)
            kinds = (UNITS, REQUESTS, DENIED)
            for granularity in (Granularity.DAY, Granularity.HOUR):
                points = await rollups.series(connection, [project.id], granularity, kinds, span)
                told = {
                    kind: sum(p.value for p in points if p.metric.partition(".")[0] == kind)
                    for kind in kinds
                }
                for kind, name in zip(kinds, ("units", "requests", "denied"), strict=True):
                    assert told[kind] == await total(connection, name, Granularity.DAY)
                    assert told[kind] == await total(connection, name, Granularity.MONTH)
            top = await rollups.top_customers(connection, project.id, Granularity.MONTH, NOW, 3)
            rows = (await connection.execute(select(end_users))).mappings()
            people = [customer_of(row) for row in rows]
            plans = {tier.name: tier for tier in await tiers.of_project(connection, project.id)}
        assert [use.used.units for use in top] == sorted(
            (use.used.units for use in top), reverse=True
        )
        quotas = [
            counter
            for each in people
            for counter in templates(Subject(project, each, plans[each.plan], None), NOW)
            if isinstance(counter.rule, Quota)
        ]
        tallies = await stores.ledger().usage([counter.key for counter in quotas])
        assert sum(tally.used for tally in tallies) > 10_000
        assert all(tally.out == 0 for tally in tallies)
        with pytest.raises(ConflictError):
            await populate(records, stores.ledger(), project.id, SMALL)


async def count(connection: AsyncConnection, table: Table) -> int:
    return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def total(connection: AsyncConnection, name: str, granularity: Granularity) -> int:
    query = select(func.sum(customer_usage.c[name]))
    here = customer_usage.c.granularity == granularity.value
    return int((await connection.execute(query.where(here))).scalar_one())


async def test_no_minute_is_told_of_the_future(store: str) -> None:
    clock = FakeClock(NOW)
    async with open_stores(replace(Settings(), store=store), clock, ROLES) as (records, stores):
        made = await Administration(records).create_platform("a", Mode.LIVE, TIERS, ())
        await populate(records, stores.ledger(), made.project.id, SMALL)
        async with records.read() as connection:
            last = (await connection.execute(select(func.max(usage_rollups.c.start)))).scalar_one()
        assert NOW - 60 < last <= NOW


@pytest.mark.parametrize(("total", "weights"), [(10, (1, 1, 1)), (0, (3, 4)), (7, (0, 5, 0, 9))])
def test_parts_make_up_the_whole(total: int, weights: tuple[int, ...]) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    assert len(parts) == len(weights)
    assert all(part >= 0 for part in parts)

"""The ways that databases take to what pages show, however much else there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from dream_gateway.plugins import open_backend
from dream_gateway.records import audit, customer_search, customers, rollups
from dream_gateway.records.audit import Wanted
from dream_gateway.records.customer_search import Order
from dream_gateway.records.customer_search import Wanted as Sought
from dream_gateway.records.migrate import migrate
from dream_gateway.series import Granularity
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    Ask = Callable[[AsyncConnection], Awaitable[object]]

NOW = FakeClock().now()


@pytest.fixture
async def engine(store: str) -> AsyncIterator[AsyncEngine]:
    backend = open_backend(store, FakeClock())
    await migrate(backend.records_engine())
    yield backend.records_engine()
    await backend.close()


async def ways(engine: AsyncEngine, ask: Ask) -> str:
    """Return how an engine goes about the last statement of a query."""
    said: list[tuple[str, object]] = []
    event.listen(
        engine.sync_engine, "before_cursor_execute", lambda *each: said.append((each[2], each[3]))
    )
    async with engine.connect() as connection:
        await ask(connection)
        statement, values = said[-1]
        if connection.dialect.name == "sqlite":
            found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[arg-type]
            return "\n".join(row[-1] for row in found)
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        rows = await raw.driver_connection.fetch(f"EXPLAIN {statement}", *values)  # type: ignore[misc]
        return "\n".join(row[0] for row in rows)


def of_object(connection: AsyncConnection) -> Awaitable[object]:
    return audit.page(connection, Wanted(project="prj", object="cus"), None, 20)


def some_customers(connection: AsyncConnection) -> Awaitable[object]:
    return customers.by_ids(connection, "prj", [f"cus_{number}" for number in range(8)])


def top_customers(connection: AsyncConnection) -> Awaitable[object]:
    return rollups.top_customers(connection, "prj", Granularity.MONTH, NOW, 8)


def by_usage(connection: AsyncConnection) -> Awaitable[object]:
    sought = Sought(order=Order.USAGE)
    return customer_search.page(connection, "prj", sought, NOW, (0, 50))


ON_SQLITE = {
    of_object: r"USING INDEX audit_log_object \(project_id=\? AND object=\?\)$",
    some_customers: r"USING INDEX sqlite_autoindex_end_users_1 \(id=\?\)$",
    top_customers: r"USING INDEX customer_usage_age \(granularity=\? AND start=\? AND project_id=\?\)",
    by_usage: r"USING INDEX customer_usage_age \(granularity=\? AND start=\? AND project_id=\?\)",
}


BOTH = {"sqlite": "UNION ALL", "postgresql": "Append"}
"""How the two are called together."""


@pytest.mark.parametrize("bare_store", ["sqlite"], indirect=True)
async def test_sqlite_takes_the_index_that_leads_to_few_rows(engine: AsyncEngine) -> None:
    for ask, way in ON_SQLITE.items():
        found = await ways(engine, ask)
        assert re.search(way, found, re.MULTILINE), found


async def test_customers_and_their_use_are_put_together_and_not_joined(engine: AsyncEngine) -> None:
    found = await ways(engine, by_usage)
    joined, both, added_up = found.partition(BOTH[engine.dialect.name])
    assert both, found
    assert "customer_usage" not in joined
    assert "customer_usage" in added_up

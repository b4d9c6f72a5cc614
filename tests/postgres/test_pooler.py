"""The contracts, through a pooler that gives each transaction another connection of the server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select
from tests.servers.pgbouncer import binary, bouncer
from tests.servers.postgres import execute, own_server

from dream_gateway.clock import SystemClock
from dream_gateway.records.database import Records
from dream_gateway.records.migrate import migrate
from dream_gateway.records.schema import changes as table
from dream_gateway.records.schema import platforms
from dream_gateway.testing import FakeClock, FeedContract, LedgerContract, Shared
from dream_gateway_postgres import open_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from tests.servers.postgres import PostgresServer

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Backend, Change, ChangeFeed, Ledger

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(binary() is None, reason="pgbouncer is not installed"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with own_server("-c", "fsync=off", "-c", "autovacuum=off") as server:
        yield server


@pytest.fixture(scope="module")
def pooled(server: PostgresServer) -> Iterator[str]:
    """The URL of the pooler."""
    with bouncer(server) as port:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres?pooler=transaction"


async def empty(server: PostgresServer) -> None:
    await execute(server.url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


@pytest.fixture
async def backend(server: PostgresServer, pooled: str) -> AsyncIterator[Backend]:
    await empty(server)
    opened = open_backend(pooled, FakeClock())
    await opened.start()
    yield opened
    await opened.close()


class TestPooledLedger(LedgerContract):
    examples = 8

    @pytest.fixture
    def open_ledger(
        self, server: PostgresServer, pooled: str
    ) -> Callable[[Clock], AbstractAsyncContextManager[Ledger]]:
        @asynccontextmanager
        async def open_one(clock: Clock) -> AsyncIterator[Ledger]:
            await empty(server)
            backend = open_backend(pooled, clock)
            await backend.start()
            yield backend.ledger()
            await backend.close()

        return open_one

    @pytest.fixture
    async def shared(self, server: PostgresServer, pooled: str) -> Shared | None:
        await empty(server)
        return Shared("dream_gateway_postgres:open_backend", pooled)


class TestPooledFeed(FeedContract):
    @pytest.fixture
    async def feed(self, backend: Backend) -> ChangeFeed:
        await migrate(backend.records_engine())
        return backend.feed()

    @pytest.fixture
    def change(self, backend: Backend) -> Callable[[Sequence[Change]], Awaitable[None]]:
        async def commit(changes: Sequence[Change]) -> None:
            rows = [{"subject": item.subject.value, "ref": item.ref, "at": 0} for item in changes]
            async with backend.records_engine().begin() as connection:
                await connection.execute(insert(table), rows)

        return commit


async def test_many_share_few_connections(server: PostgresServer, pooled: str) -> None:
    """More connections than the pooler has, so that each transaction gets another one."""
    await empty(server)
    nodes = [open_backend(pooled, SystemClock()) for _ in range(6)]
    await asyncio.gather(*(node.start() for node in nodes))
    await migrate(nodes[0].records_engine())

    async def work(number: int) -> int:
        records = Records(nodes[number].records_engine(), SystemClock(), nodes[number].feed())
        for turn in range(10):
            async with records.write("test") as writer:
                row = {"id": f"{number}-{turn}", "name": "x", "suspended": False, "created_at": 0.0}
                await writer.connection.execute(insert(platforms).values(row))
            async with records.read() as connection:
                found = await connection.execute(select(platforms.c.id))
                assert row["id"] in found.scalars().all()
            await nodes[number].ledger().usage(["q"])
        return turn

    await asyncio.gather(*(work(number) for number in range(6)))
    await asyncio.gather(*(node.close() for node in nodes))

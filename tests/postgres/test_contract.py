from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from dream_gateway.records.migrate import migrate
from dream_gateway.records.schema import changes as table
from dream_gateway.testing import FeedContract, LedgerContract, Shared
from dream_gateway_postgres import open_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from tests.servers.postgres import Schemas

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Backend, Change, ChangeFeed, Ledger


class TestLedger(LedgerContract):
    @pytest.fixture
    def open_ledger(
        self, schemas: Schemas
    ) -> Callable[[Clock], AbstractAsyncContextManager[Ledger]]:
        @asynccontextmanager
        async def open_one(clock: Clock) -> AsyncIterator[Ledger]:
            backend = open_backend(await schemas.new(), clock)
            await backend.start()
            yield backend.ledger()
            await backend.close()

        return open_one

    @pytest.fixture
    def shared(self, url: str) -> Shared | None:
        return Shared("dream_gateway_postgres:open_backend", url)


class TestFeed(FeedContract):
    @pytest.fixture
    async def feed(self, backend: Backend) -> ChangeFeed:
        await migrate(backend.records_engine())
        return backend.feed()

    @pytest.fixture
    def change(self, backend: Backend) -> Callable[[Sequence[Change]], Awaitable[None]]:
        async def commit(changes: Sequence[Change]) -> None:
            # No `publish`: another process's writes must be seen as well.
            rows = [{"subject": item.subject.value, "ref": item.ref, "at": 0} for item in changes]
            async with backend.records_engine().begin() as connection:
                await connection.execute(insert(table), rows)

        return commit

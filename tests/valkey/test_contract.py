from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from dream_gateway.testing import (
    FakeClock,
    FeedContract,
    KeyValueContract,
    LedgerContract,
    Shared,
)
from dream_gateway_valkey import open_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from dream_gateway.clock import Clock
    from dream_gateway.storage import ChangeFeed, KeyValue, Ledger


class TestLedger(LedgerContract):
    @pytest.fixture
    def new(self, new_url: Callable[[], str]) -> Callable[[], str]:
        return new_url

    @pytest.fixture
    def open_ledger(
        self, new: Callable[[], str]
    ) -> Callable[[Clock], AbstractAsyncContextManager[Ledger]]:
        @asynccontextmanager
        async def open_one(clock: Clock) -> AsyncIterator[Ledger]:
            backend = open_backend(new(), clock)
            await backend.start()
            yield backend.ledger()
            await backend.close()

        return open_one

    @pytest.fixture
    def shared(self, new: Callable[[], str]) -> Shared | None:
        return Shared("dream_gateway_valkey:open_backend", new())


class TestLedgerOnACluster(TestLedger):
    examples = 15

    @pytest.fixture
    def new(self, new_cluster_url: Callable[[], str]) -> Callable[[], str]:
        return new_cluster_url


class TestKeyValue(KeyValueContract):
    @pytest.fixture
    def new(self, new_url: Callable[[], str]) -> Callable[[], str]:
        return new_url

    @pytest.fixture
    async def kv(self, new: Callable[[], str], clock: FakeClock) -> AsyncIterator[KeyValue]:
        backend = open_backend(new(), clock)
        await backend.start()
        yield backend.kv()
        await backend.close()


class TestKeyValueOnACluster(TestKeyValue):
    @pytest.fixture
    def new(self, new_cluster_url: Callable[[], str]) -> Callable[[], str]:
        return new_cluster_url


class TestFeed(FeedContract):
    @pytest.fixture
    def new(self, new_url: Callable[[], str]) -> Callable[[], str]:
        return new_url

    @pytest.fixture
    async def feed(self, new: Callable[[], str]) -> AsyncIterator[ChangeFeed]:
        backend = open_backend(new(), FakeClock())
        await backend.start()
        yield backend.feed()
        await backend.close()


class TestFeedOnACluster(TestFeed):
    @pytest.fixture
    def new(self, new_cluster_url: Callable[[], str]) -> Callable[[], str]:
        return new_cluster_url

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from dream_gateway.memory import open_backend
from dream_gateway.testing import FakeClock, FeedContract, KeyValueContract, LedgerContract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from dream_gateway.clock import Clock
    from dream_gateway.storage import ChangeFeed, KeyValue, Ledger


class TestLedger(LedgerContract):
    @pytest.fixture
    def open_ledger(self) -> Callable[[Clock], AbstractAsyncContextManager[Ledger]]:
        @asynccontextmanager
        async def open_one(clock: Clock) -> AsyncIterator[Ledger]:
            backend = open_backend("memory://", clock)
            await backend.start()
            yield backend.ledger()
            await backend.close()

        return open_one


class TestKeyValue(KeyValueContract):
    @pytest.fixture
    def kv(self, clock: FakeClock) -> KeyValue:
        return open_backend("memory://", clock).kv()

    async def test_a_value_expires(self, kv: KeyValue, clock: FakeClock) -> None:
        await kv.put("key", b"value", 5.0)
        clock.step(100)
        clock.advance(4.99)
        assert await kv.get("key") == b"value"
        clock.advance(0.01)
        assert await kv.get("key") is None


class TestFeed(FeedContract):
    @pytest.fixture
    def feed(self) -> ChangeFeed:
        return open_backend("memory://", FakeClock()).feed()

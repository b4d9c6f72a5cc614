from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.testing import BackendContract, FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.storage import KeyValue


class TestMemory(BackendContract):
    @pytest.fixture
    def new_url(self) -> Callable[[], str]:
        return lambda: "memory://"

    async def test_a_value_expires(self, kv: KeyValue, clock: FakeClock) -> None:
        await kv.put("key", b"value", 5.0)
        clock.step(100)
        clock.advance(4.99)
        assert await kv.get("key") == b"value"
        clock.advance(0.01)
        assert await kv.get("key") is None

"""What every `KeyValue` must do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.testing.asynchronous import AsyncTests
from dream_gateway.testing.clock import FakeClock

if TYPE_CHECKING:
    from dream_gateway.storage import KeyValue


class KeyValueContract(AsyncTests):
    """Override `kv`: an empty store, opened with the fixture `clock`."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Return the clock the store is opened with."""
        return FakeClock()

    @pytest.fixture
    def kv(self, clock: FakeClock) -> KeyValue:
        """Return an empty store."""
        raise NotImplementedError

    async def test_an_unknown_key_has_no_value(self, kv: KeyValue) -> None:
        """Absence is `None`."""
        assert await kv.get("nothing") is None

    async def test_a_value_comes_back(self, kv: KeyValue) -> None:
        """Any bytes, the empty ones included."""
        for value in (b"", b"\x00\xff", b"v" * 100_000):
            await kv.put("key", value, 60)
            assert await kv.get("key") == value

    async def test_the_last_put_wins(self, kv: KeyValue) -> None:
        """Over value and life."""
        await kv.put("key", b"first", 60)
        await kv.put("key", b"second", 60)
        assert await kv.get("key") == b"second"

    async def test_deleted_keys_are_gone(self, kv: KeyValue) -> None:
        """Several at once; one that is not there is no error."""
        await kv.put("one", b"1", 60)
        await kv.put("two", b"2", 60)
        await kv.put("three", b"3", 60)
        await kv.delete(["one", "never", "three"])
        assert [await kv.get(key) for key in ("one", "two", "three")] == [None, b"2", None]
        await kv.delete([])

    async def test_keys_are_told_apart(self, kv: KeyValue) -> None:
        """Byte for byte: no folding of case, no trimming."""
        for number, key in enumerate(("k", "K", " k", "k:", "\u00e9", "e\u0301")):
            await kv.put(key, str(number).encode(), 60)
        assert await kv.get("k") == b"0"
        assert await kv.get("\u00e9") == b"4"

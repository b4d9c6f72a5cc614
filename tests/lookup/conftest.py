"""A shop to look up in, with its feed and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.lookup.shop import Shop, opened

from dream_gateway import invalidation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invalidation, "FEED_RETRY_SECONDS", 0.01)


@pytest.fixture
async def shop(database: Path) -> AsyncIterator[Shop]:
    async with opened(database) as shop:
        yield shop


@pytest.fixture
async def followed(shop: Shop) -> Shop:
    """Return a shop whose worker follows the feed, with the key in memory."""
    await shop.follow()
    assert await shop.plan() == "free"
    assert shop.in_memory()
    shop.store.asked.clear()
    return shop

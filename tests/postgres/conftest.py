from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.testing import FakeClock
from dream_gateway_postgres import open_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.postgres import Schemas

    from dream_gateway.storage import Backend


@pytest.fixture
async def url(schemas: Schemas) -> str:
    """The URL of an empty schema."""
    return await schemas.new()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def backend(url: str, clock: FakeClock) -> AsyncIterator[Backend]:
    opened = open_backend(url, clock)
    await opened.start()
    yield opened
    await opened.close()

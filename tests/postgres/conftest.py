from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.servers.postgres import Schemas, any_server

from dream_gateway.testing import FakeClock
from dream_gateway_postgres import open_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dream_gateway.storage import Backend


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server that no test stops."""
    with any_server() as url:
        yield url


@pytest.fixture
async def schemas(server: str) -> AsyncIterator[Schemas]:
    made = Schemas(server)
    yield made
    await made.drop()


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

"""Stores for tests that run on more than one engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.servers.postgres import Schemas, any_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that no test stops."""
    with any_server() as url:
        yield url


@pytest.fixture
async def schemas(postgres_server: str) -> AsyncIterator[Schemas]:
    """Empty schemas on it, removed at the end."""
    made = Schemas(postgres_server)
    yield made
    await made.drop()


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty store on each engine that can hold the records."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/dream.db"
        return
    made = Schemas(request.getfixturevalue("postgres_server"))
    yield await made.new()
    await made.drop()

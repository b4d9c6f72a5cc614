"""Opens the stores for a command that works beside a running gateway."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError
from dream_gateway.records.database import Records
from dream_gateway.records.migrate import migrate
from dream_gateway.storage import Role
from dream_gateway.stores import Stores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from dream_gateway.clock import Clock
    from dream_gateway.settings import Settings


@asynccontextmanager
async def open_records(settings: Settings) -> AsyncIterator[Records]:
    """Open the records: see `open_stores`."""
    async with open_stores(settings, SystemClock()) as (records, _):
        yield records


@asynccontextmanager
async def open_stores(
    settings: Settings, clock: Clock, roles: Collection[Role] = (Role.RECORDS, Role.FEED)
) -> AsyncIterator[tuple[Records, Stores]]:
    """Open the stores that have these roles, the records' schema made current, and close them.

    Raises `ConfigurationError` for a store that no other process can see.
    """
    stores = Stores(settings, clock, roles)
    if not stores.shareable:
        raise ConfigurationError(
            "This store lives in one process, where no command can reach it: give --store a URL "
            "such as sqlite:///dream.db."
        )
    try:
        await stores.start()
        engine = stores.records_engine()
        await migrate(engine)
        yield Records(engine, clock, stores.feed()), stores
    finally:
        await stores.close()

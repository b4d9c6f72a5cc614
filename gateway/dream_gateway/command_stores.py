"""Opens the stores for a command that works beside a running gateway."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError, StoreNotFoundError
from dream_gateway.records.database import Records
from dream_gateway.records.migrate import migrate
from dream_gateway.storage import Role
from dream_gateway.stores import Stores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

    from dream_gateway.clock import Clock
    from dream_gateway.settings import Settings


@runtime_checkable
class OneFile(Protocol):
    """A backend whose state is one file."""

    file: Path


def check_there(backend: object) -> None:
    """Raise `StoreNotFoundError` for a file that is not there: to open it would make it."""
    if not isinstance(backend, OneFile):
        return
    try:
        backend.file.stat()
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise StoreNotFoundError(
            f"There is no store at {backend.file}, and this command makes none: correct --store, or "
            "make one with `dream-gateway platform create`."
        ) from exc
    except OSError:
        return  # Opening it will tell.


@asynccontextmanager
async def open_records(settings: Settings, *, create: bool = True) -> AsyncIterator[Records]:
    """Open the records: see `open_stores`."""
    async with open_stores(settings, SystemClock(), create=create) as (records, _):
        yield records


@asynccontextmanager
async def open_stores(
    settings: Settings,
    clock: Clock,
    roles: Collection[Role] = (Role.RECORDS, Role.FEED),
    *,
    create: bool = True,
) -> AsyncIterator[tuple[Records, Stores]]:
    """Open the stores that have these roles, the records' schema made current, and close them.

    Raises `ConfigurationError` for a store that no other process can see, and without `create`
    `StoreNotFoundError` for one that is not there.
    """
    stores = Stores(settings, clock, roles)
    if not stores.shareable:
        raise ConfigurationError(
            "This store lives in one process, where no command can reach it: give --store a URL "
            "such as sqlite:///dream.db."
        )
    try:
        for _, _, backend in () if create else stores.each():
            check_there(backend)
        await stores.start()
        engine = stores.records_engine()
        await migrate(engine)
        yield Records(engine, clock, stores.feed()), stores
    finally:
        await stores.close()

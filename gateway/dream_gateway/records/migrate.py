"""Bring the records' schema up to date at start, once, whoever starts first.

The whole migration is one writing transaction, so others that start meanwhile wait for it: a
backend's engine lets one of them run at a time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from dream_gateway.errors import SchemaTooNewError, StoreUnavailableError

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
HEAD = KNOWN[-1]
MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(engine: AsyncEngine) -> None:
    """Apply what is missing.

    Raises `SchemaTooNewError` for a database of a newer version, which is left as it is, and
    `StoreUnavailableError` where the store cannot be read or written.
    """
    if await revision_of(engine) == HEAD:
        return
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    except (DBAPIError, OSError) as exc:
        raise StoreUnavailableError(
            "The schema of the records cannot be brought up to date."
        ) from exc


async def revision_of(engine: AsyncEngine) -> str | None:
    """Return the database's revision, `None` for an empty one.

    Raises `SchemaTooNewError`, and `StoreUnavailableError` where the store cannot be read.
    """
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_revision)
    except (DBAPIError, OSError) as exc:
        raise StoreUnavailableError("The schema of the records cannot be read.") from exc


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is not None and found not in KNOWN:
        raise SchemaTooNewError(
            f"The database's schema is revision {found}; this version knows up to {HEAD}. "
            "Install the newer version of dream-gateway."
        )
    return None if found is None else str(found)


def _upgrade(connection: Connection) -> None:
    if _revision(connection) == HEAD:
        return  # Another process was faster.
    # Slow to import, and needed once in a database's life.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

"""Bring the records' schema up to date at start, once, whoever starts first.

The whole migration is one writing transaction, so others that start meanwhile wait for it: a
backend's engine lets one of them run at a time.

Nodes of an older version go on while a newer one has changed the schema: revisions expand (tables,
columns with a default or NULL, indexes), and what only older versions use is dropped a release later,
when `OLDEST` has passed it. The database says who may run on it: an older version cannot know.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from dream_gateway.errors import SchemaTooNewError, StoreUnavailableError
from dream_gateway.records.schema import schema_readers

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011")
HEAD = KNOWN[-1]
OLDEST = "0008"
"""The revision of the oldest version whose statements the newest schema takes."""

MIGRATIONS = Path(__file__).parent / "migrations"


logger = logging.getLogger(__name__)


async def migrate(engine: AsyncEngine) -> None:
    """Apply what is missing.

    A database of a newer version that this one may run on is left as it is. Raises
    `SchemaTooNewError` for one that it may not run on, and `StoreUnavailableError` where the store
    cannot be read or written.
    """
    found = await revision_of(engine)
    if is_newer(found):
        logger.warning("The schema is revision %s of a newer version; this one is %s", found, HEAD)
    if found == HEAD or is_newer(found):
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


def is_newer(revision: str | None) -> bool:
    """Tell whether a newer version made this revision."""
    return revision is not None and revision not in KNOWN


@dataclass(frozen=True, slots=True)
class Step:
    """A revision that a database lacks, and what it brings."""

    revision: str
    brings: str


def steps(found: str | None) -> list[Step]:
    """Return what `migrate` would apply to a database of this revision, in its order."""
    # As below.
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    missing = KNOWN[KNOWN.index(found) + 1 :] if found in KNOWN else () if found else KNOWN
    scripts = ScriptDirectory.from_config(config)
    found_scripts = (scripts.get_revision(revision) for revision in missing)
    return [Step(s.revision, s.doc) for s in found_scripts]


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if is_newer(found) and not _may_run(connection):
        raise SchemaTooNewError(
            f"The database's schema is revision {found}; this version knows up to {HEAD}. "
            "Install the newer version of dream-gateway."
        )
    return None if found is None else str(found)


def _may_run(connection: Connection) -> bool:
    """Tell whether the newer version that was here lets this one run on its schema."""
    if not inspect(connection).has_table(schema_readers.name):
        return False
    return connection.execute(select(schema_readers.c.oldest)).scalar() in KNOWN


def _upgrade(connection: Connection) -> None:
    found = _revision(connection)
    if found == HEAD or is_newer(found):
        return  # Another process was faster.
    # Slow to import, and needed once in a database's life.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.execute(delete(schema_readers))
    connection.execute(insert(schema_readers).values(oldest=OLDEST))

"""Migrations on each engine: from any revision to the tables that the code works with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from dream_gateway.plugins import open_backend
from dream_gateway.records.migrate import KNOWN, MIGRATIONS, migrate, revision_of
from dream_gateway.records.rollup_schema import EVERY
from dream_gateway.testing import FakeClock
from dream_gateway_local.tables import metadata as local_metadata

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine


@pytest.fixture
async def engine(bare_store: str) -> AsyncIterator[AsyncEngine]:
    backend = open_backend(bare_store, FakeClock())
    yield backend.records_engine()
    await backend.close()


def config(connection: Connection | None = None) -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["connection"] = connection
    return made


def differences(connection: Connection) -> list[Any]:
    """Return in what the database differs from the tables that the code works with."""
    every = [EVERY, local_metadata]
    # It takes a list as well; its types do not say so.
    context = MigrationContext.configure(connection)
    found = compare_metadata(context, cast("Any", every))
    names = {name for each in every for name in each.tables}
    return [d for d in found if not (d[0] == "remove_table" and d[1].name not in names)]


def test_every_revision_is_known() -> None:
    scripts = ScriptDirectory.from_config(config())
    assert tuple(s.revision for s in reversed(list(scripts.walk_revisions()))) == KNOWN
    assert scripts.get_heads() == [KNOWN[-1]]


async def test_an_empty_database_gets_the_tables_of_the_code(engine: AsyncEngine) -> None:
    await migrate(engine)
    assert await revision_of(engine) == KNOWN[-1]
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.parametrize("revision", KNOWN[:-1])
async def test_each_older_revision_becomes_the_newest_with_what_is_in_it(
    engine: AsyncEngine, revision: str
) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(lambda each: command.upgrade(config(each), revision))
        for statement in (
            "INSERT INTO platforms (id, name, suspended, created_at) VALUES ('plt_1', 'a', false, 1)",
            "INSERT INTO projects (id, platform_id, name, mode, default_tier, alignment, allowances, "
            "publishable_key, created_at) "
            "VALUES ('prj_1', 'plt_1', 'a', 'test', 'free', 'calendar', '[]', 'pk', 1)",
            "INSERT INTO changes (subject, ref, at) VALUES ('project', 'prj_1', 1)",
        ):
            await connection.execute(text(statement))
    await migrate(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        found = await connection.execute(text("SELECT id, type, branding FROM projects"))
        assert [tuple(row) for row in found] in ([("prj_1", "saas", "{}")], [("prj_1", "saas", {})])

"""Nodes of an older version beside those of the newest: their statements, and who may start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from sqlalchemy import MetaData, create_engine, insert, inspect, text, update
from tests.records.test_migrations import config

from dream_gateway.errors import SchemaTooNewError
from dream_gateway.plugins import open_backend
from dream_gateway.records import migrate as module
from dream_gateway.records.migrate import HEAD, KNOWN, OLDEST, migrate, revision_of, steps
from dream_gateway.records.schema import schema_readers
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sqlalchemy import Connection, Table
    from sqlalchemy.ext.asyncio import AsyncEngine

SECOND = "0002"
"""From here on nothing that was there has been taken away."""

SAMPLES: dict[type, object] = {str: "x", int: 1, float: 1.0, bytes: b"x", bool: True, object: {}}


def at(revision: str) -> Connection:
    """Return a database in memory of that revision. Foreign keys are not looked at."""
    connection = create_engine("sqlite://").connect()
    command.upgrade(config(connection), revision)
    connection.commit()
    return connection


@pytest.fixture(scope="module")
def newest() -> Iterator[Connection]:
    with at(HEAD) as connection:
        yield connection


def rows_of(table: Table) -> dict[str, Any]:
    return {column.name: SAMPLES[column.type.python_type] for column in table.columns}


@pytest.mark.parametrize("revision", [each for each in KNOWN if each >= SECOND])
def test_every_insert_of_an_older_version_works_on_the_newest_schema(
    newest: Connection, revision: str
) -> None:
    known = MetaData()
    with at(revision) as old:
        known.reflect(old, only=lambda name, _: name != "alembic_version")
    for table in known.sorted_tables:
        undone = newest.begin_nested()
        newest.execute(insert(table).values(rows_of(table)))
        undone.rollback()


def test_the_oldest_that_may_run_is_one_whose_statements_work() -> None:
    assert SECOND <= OLDEST <= HEAD


def test_a_column_without_a_default_would_be_seen(newest: Connection) -> None:
    tightened = newest.begin_nested()
    newest.execute(text("CREATE TABLE tight (a TEXT NOT NULL, b TEXT NOT NULL)"))
    known = MetaData()
    known.reflect(newest, only=["tight"])
    with pytest.raises(Exception, match="NOT NULL"):
        newest.execute(insert(known.tables["tight"]).values(a="x"))
    tightened.rollback()


@pytest.fixture
async def engine(tmp_path: Any) -> AsyncIterator[AsyncEngine]:
    backend = open_backend(f"sqlite:///{tmp_path}/dream.db", FakeClock())
    engine = backend.records_engine()
    await migrate(engine)
    yield engine
    await backend.close()


async def change(engine: AsyncEngine, oldest: str | None) -> None:
    """Make the database one of a newer version, which lets others run from a revision on."""
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        if oldest is None:
            await connection.execute(text("DROP TABLE schema_readers"))
        else:
            await connection.execute(update(schema_readers).values(oldest=oldest))


async def test_a_newer_schema_that_lets_this_version_run_is_left_as_it_is(
    engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    await change(engine, HEAD)
    await migrate(engine)
    assert await revision_of(engine) == "9999"
    assert "newer version" in caplog.text
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda each: inspect(each).get_table_names())
    assert "platforms" in names


@pytest.mark.parametrize("oldest", ["9998", None])
async def test_a_newer_schema_that_does_not_is_refused(
    engine: AsyncEngine, oldest: str | None
) -> None:
    await change(engine, oldest)
    with pytest.raises(SchemaTooNewError, match="9999"):
        await migrate(engine)


async def test_a_version_of_before_may_run_after_this_one_has_migrated(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KNOWN", KNOWN[:-1])
    assert await revision_of(engine) == HEAD


def test_what_would_be_done_is_listed_in_its_order() -> None:
    assert [step.revision for step in steps(None)] == list(KNOWN)
    assert [step.revision for step in steps(KNOWN[-2])] == [HEAD]
    assert steps(HEAD) == steps("9999") == []
    assert all(step.brings for step in steps(None))

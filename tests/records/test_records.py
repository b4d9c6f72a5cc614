"""The records on each engine: migrations that race, newer schemas, tenants that stay apart."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as sqlite_dialect

from dream_gateway.administration import Administration, open_administration
from dream_gateway.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    SchemaTooNewError,
)
from dream_gateway.gateway import Gateway
from dream_gateway.model import Customer, KeyStatus, Mode
from dream_gateway.plugins import open_backend
from dream_gateway.records import customers
from dream_gateway.records.directory import Directory
from dream_gateway.records.rollup_schema import EVERY
from dream_gateway.records.schema import projects
from dream_gateway.settings import Settings
from dream_gateway.testing import FakeClock
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy import ClauseElement

    from dream_gateway.records.projects import NewProject

TIERS = [parse_tier("free=100/month@10/s"), parse_tier("pro=unlimited")]


@pytest.fixture
async def gateway(store: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    gateway = Gateway(Settings(store=store, journal_dir=f"{tmp_path}/journals"))
    await gateway.start()
    yield gateway
    await gateway.close()


@pytest.fixture
def administration(gateway: Gateway) -> Administration:
    return Administration(gateway.records)


@pytest.fixture
async def shop(administration: Administration) -> NewProject:
    return await administration.create_platform("shop", Mode.TEST, TIERS, [])


async def test_processes_that_start_at_once_migrate_once(bare_store: str) -> None:
    command = [sys.executable, "-m", "dream_gateway", "migrate", "--store", bare_store]
    started = [await asyncio.create_subprocess_exec(*command) for _ in range(4)]
    assert [await process.wait() for process in started] == [0] * 4


async def test_a_newer_schema_is_refused_and_left_alone(store: str) -> None:
    settings = Settings(store=store)
    async with open_administration(settings):
        pass
    backend = open_backend(store, FakeClock())
    async with backend.records_engine().begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await connection.execute(text("UPDATE schema_readers SET oldest = '9998'"))
    with pytest.raises(SchemaTooNewError, match="9999"):
        async with open_administration(settings):
            pass
    async with backend.records_engine().connect() as connection:
        found = await connection.execute(text("SELECT version_num FROM alembic_version"))
        assert found.scalars().all() == ["9999"]
    await backend.close()


async def test_a_customer_registered_by_many_at_once_is_one(
    gateway: Gateway, shop: NewProject
) -> None:
    directory = Directory(gateway.records)
    made: list[Customer] = await asyncio.gather(
        *(directory.register(shop.project.id, "ada", "free", 0.0) for _ in range(10))
    )
    assert len({customer.id for customer in made}) == 1


async def test_an_id_that_is_taken_is_a_conflict_and_in_another_project_is_not(
    administration: Administration, shop: NewProject
) -> None:
    other = await administration.create_platform("other", Mode.LIVE, TIERS, [])
    first = await administration.create_customer(shop.project.id, "ada", "pro")
    second = await administration.create_customer(other.project.id, "ada", None)
    assert (first.plan, second.plan) == ("pro", "free")
    with pytest.raises(ConflictError):
        await administration.create_customer(shop.project.id, "ada", "pro")
    with pytest.raises(NotFoundError):
        await administration.create_customer(shop.project.id, "bob", "gold")
    with pytest.raises(NotFoundError):
        await administration.create_key(other.project.id, first.id)


async def test_a_rotated_key_keeps_its_customer_and_the_old_one_ends_after_the_grace(
    administration: Administration, shop: NewProject
) -> None:
    customer = await administration.create_customer(shop.project.id, "ada", None)
    old = await administration.create_key(shop.project.id, "ada", name="ci", scopes=("read",))
    new = await administration.rotate_key(old.credential.id, 60)
    assert new.credential.customer_id == customer.id
    assert (new.credential.name, new.credential.scopes) == ("ci", ("read",))
    listed = {key.id: key for key in await administration.keys(shop.project.id, "ada")}
    assert listed[old.credential.id].expires_at is not None
    assert listed[new.credential.id].expires_at is None
    await administration.rotate_key(new.credential.id, 0)
    listed = {key.id: key for key in await administration.keys(shop.project.id, "ada")}
    assert listed[new.credential.id].status is KeyStatus.REVOKED


async def stored(gateway: Gateway) -> str:
    """Return all that the records hold."""
    async with gateway.records.read() as connection:
        tables = [await connection.execute(select(table)) for table in EVERY.sorted_tables]
        return repr([rows.all() for rows in tables])


async def test_no_secret_is_in_the_database(
    gateway: Gateway, administration: Administration, shop: NewProject
) -> None:
    await administration.create_customer(shop.project.id, "ada", None)
    made = await administration.create_key(shop.project.id, "ada")
    rows = await stored(gateway)
    assert shop.publishable_key in rows
    for secret in (made.secret, shop.secret_key):
        assert secret not in rows


async def test_what_cannot_be_stored_is_the_fault_of_who_sent_it(
    gateway: Gateway, administration: Administration, shop: NewProject
) -> None:
    """Or it is stored as it is."""
    try:
        made = await administration.create_customer(shop.project.id, "a\x00b", None)
    except InvalidRequestError:
        assert gateway.settings.store.startswith("postgresql:")
    else:
        assert made.external_id == "a\x00b"


async def test_a_read_sees_one_moment_and_waits_for_no_writer(
    gateway: Gateway, administration: Administration, shop: NewProject
) -> None:
    async with gateway.records.read() as before, gateway.records.write("test") as writer:
        assert len((await before.execute(select(projects))).all()) == 1
        await writer.connection.execute(update(projects).values(name="renamed"))
        async with gateway.records.read() as beside:
            names = (await beside.execute(select(projects.c.name))).scalars().all()
            assert names == [shop.project.name]


async def test_writes_that_look_first_do_not_collide(gateway: Gateway, shop: NewProject) -> None:
    async def rename() -> None:
        async with gateway.records.write("test") as writer:
            found = await writer.connection.execute(select(projects.c.created_at))
            at = found.scalar_one()
            await asyncio.sleep(0)
            await writer.connection.execute(update(projects).values(created_at=at + 1))

    async with gateway.records.read() as connection:
        before = (await connection.execute(select(projects.c.created_at))).scalar_one()
    await asyncio.gather(*(rename() for _ in range(8)))
    async with gateway.records.read() as connection:
        after = (await connection.execute(select(projects.c.created_at))).scalar_one()
    assert after == before + 8


async def postgres_plan(gateway: Gateway, query: ClauseElement) -> str:
    """Return how a query would run among many customers of the same project."""
    many = """
        INSERT INTO end_users (id, project_id, external_id, plan, anchor, created_at, metadata)
        SELECT 'cus_' || n, project_id, 'user_' || n, plan, 0, 0, '{}'
        FROM end_users, generate_series(1, 5000) AS n
    """
    async with gateway.stores.records_engine().begin() as connection:
        await connection.exec_driver_sql(many)
        await connection.exec_driver_sql("ANALYZE end_users")
        engine = connection.engine.sync_engine
        compiled = query.compile(engine, compile_kwargs={"literal_binds": True})
        found = await connection.exec_driver_sql(f"EXPLAIN {compiled}")
        return "\n".join(found.scalars())


@pytest.mark.parametrize("by", ["external", "own"])
async def test_a_customer_is_found_by_index_whatever_the_reference(
    gateway: Gateway, shop: NewProject, administration: Administration, by: str
) -> None:
    made = await administration.create_customer(shop.project.id, "ada", None)
    ref = "ada" if by == "external" else made.id
    async with gateway.records.read() as connection:
        found = await customers.referred(connection, shop.project.id, ref)
    assert found is not None
    assert found.id == made.id
    if gateway.settings.store.startswith("postgresql:"):
        planned = await postgres_plan(gateway, customers.either(shop.project.id, ref))
        assert "Seq Scan" not in planned
        assert "end_users_external_id" in planned
        assert "end_users_id_key" in planned
        return
    dialect = sqlite_dialect(paramstyle="named")
    query = customers.either(shop.project.id, ref).compile(dialect=dialect)
    with closing(sqlite3.connect(gateway.settings.store.removeprefix("sqlite:///"))) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {query}", query.params).fetchall()
    looked_up = [row[3] for row in plan if "end_users" in row[3]]
    assert len(looked_up) == 2
    assert "external_id=?" in looked_up[0]
    assert "id=?" in looked_up[1]

"""The records on SQLite: migrations that race, newer schemas, tenants that stay apart."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as sqlite_dialect

from dream_gateway.administration import Administration, open_administration
from dream_gateway.errors import ConflictError, NotFoundError, SchemaTooNewError
from dream_gateway.gateway import Gateway
from dream_gateway.model import Customer, KeyStatus, Mode
from dream_gateway.records import customers
from dream_gateway.records.directory import Directory
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dream_gateway.administration import NewPlatform

TIERS = [parse_tier("free=100/month@10/s"), parse_tier("pro=unlimited")]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    gateway = Gateway(Settings(store=f"sqlite:///{tmp_path}/dream.db"))
    await gateway.start()
    yield gateway
    await gateway.close()


def stored(folder: Path) -> bytes:
    """Return all that the database's files hold."""
    return b"".join(path.read_bytes() for path in folder.glob("dream.db*") if path.is_file())


@pytest.fixture
def administration(gateway: Gateway) -> Administration:
    return Administration(gateway.records)


@pytest.fixture
async def shop(administration: Administration) -> NewPlatform:
    return await administration.create_platform("shop", Mode.TEST, TIERS, [])


async def test_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dream_gateway", "platform", "list"]
    command += ["--store", f"sqlite:///{tmp_path}/dream.db"]
    started = [await asyncio.create_subprocess_exec(*command) for _ in range(4)]
    assert [await process.wait() for process in started] == [0] * 4


async def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path}/dream.db")
    async with open_administration(settings):
        pass
    with sqlite3.connect(tmp_path / "dream.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(SchemaTooNewError, match="9999"):
        async with open_administration(settings):
            pass


async def test_a_customer_registered_by_many_at_once_is_one(
    gateway: Gateway, shop: NewPlatform
) -> None:
    directory = Directory(gateway.records)
    made: list[Customer] = await asyncio.gather(
        *(directory.register(shop.project.id, "ada", "free", 0.0) for _ in range(10))
    )
    assert len({customer.id for customer in made}) == 1


async def test_an_id_that_is_taken_is_a_conflict_and_in_another_project_is_not(
    administration: Administration, shop: NewPlatform
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
    administration: Administration, shop: NewPlatform
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


async def test_no_secret_is_in_the_database(
    administration: Administration, shop: NewPlatform, tmp_path: Path
) -> None:
    await administration.create_customer(shop.project.id, "ada", None)
    made = await administration.create_key(shop.project.id, "ada")
    files = stored(tmp_path)
    assert shop.publishable_key.encode() in files
    for secret in (made.secret, shop.secret_key):
        assert secret.encode() not in files


@pytest.mark.parametrize("by", ["external", "own"])
async def test_a_customer_is_found_by_index_whatever_the_reference(
    gateway: Gateway, shop: NewPlatform, administration: Administration, by: str
) -> None:
    made = await administration.create_customer(shop.project.id, "ada", None)
    ref = "ada" if by == "external" else made.id
    async with gateway.records.read() as connection:
        found = await customers.referred(connection, shop.project.id, ref)
    assert found is not None
    assert found.id == made.id
    dialect = sqlite_dialect(paramstyle="named")
    query = customers.either(shop.project.id, ref).compile(dialect=dialect)
    with closing(sqlite3.connect(gateway.settings.store.removeprefix("sqlite:///"))) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {query}", query.params).fetchall()
    looked_up = [row[3] for row in plan if "end_users" in row[3]]
    assert len(looked_up) == 2
    assert "external_id=?" in looked_up[0]
    assert "id=?" in looked_up[1]

"""What every store of records must do: migrate, commit as a whole, and keep tenants apart."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from dream_gateway.administration import Administration
from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConflictError, SchemaTooNewError
from dream_gateway.hookspecs import Identified
from dream_gateway.model import Mode
from dream_gateway.records.database import Records
from dream_gateway.records.directory import Directory
from dream_gateway.records.migrate import migrate, revision_of
from dream_gateway.storage import Role
from dream_gateway.testing.asynchronous import async_fixture
from dream_gateway.testing.store import StoreFixtures, need, opened
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.storage import Backend, Change
    from dream_gateway.testing.store import NewUrl

STARTERS = 4
RACERS = 8
TIERS = ("free=100/month@10/s", "pro=unlimited")


class Heard:
    """A feed that notes what is published."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    async def publish(self, changes: Sequence[Change]) -> None:
        """Note changes."""
        self.changes.extend(changes)

    def follow(self) -> AsyncIterator[Sequence[Change]]:
        """Raise: nobody follows it."""
        raise NotImplementedError


class RecordsContract(StoreFixtures):
    """The role `records`. Skipped where the backend does not offer it."""

    @pytest.fixture
    def records_url(self, new_url: NewUrl, unopened: Backend) -> str:
        """Return the URL of a new, empty store."""
        need(unopened, Role.RECORDS)
        return new_url()

    @async_fixture
    async def backend(self, records_url: str) -> AsyncIterator[Backend]:
        """Yield an open store with the records' tables in it."""
        async with opened(records_url, SystemClock()) as backend:
            await migrate(backend.records_engine())
            yield backend

    async def test_many_that_start_at_once_migrate_once(self, records_url: str) -> None:
        """Each with an engine of its own, where the store can be shared."""
        async with opened(records_url, SystemClock()) as first:
            if not first.shareable:
                pytest.skip("one process at a time may open this store")
            await asyncio.gather(*(_start(records_url) for _ in range(STARTERS)))
            assert await revision_of(first.records_engine()) is not None

    async def test_a_newer_schema_is_refused_and_left_alone(self, backend: Backend) -> None:
        """Whoever is too old must not touch it."""
        engine = backend.records_engine()
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            await connection.execute(text("UPDATE schema_readers SET oldest = '9998'"))
        with pytest.raises(SchemaTooNewError, match="9999"):
            await migrate(engine)
        async with engine.connect() as connection:
            found = await connection.execute(text("SELECT version_num FROM alembic_version"))
            assert found.scalar_one() == "9999"

    async def test_what_is_written_comes_back(self, backend: Backend) -> None:
        """Projects, tiers, customers and keys, as the hot cache reads them."""
        records = Records(backend.records_engine(), SystemClock(), Heard())
        admin, directory = Administration(records), Directory(records)
        made = await admin.create_platform("shop", Mode.TEST, list(map(parse_tier, TIERS)), [])
        project = made.project.id
        customer = await admin.create_customer(project, "\u00e9da \U0001f600", "pro")
        key = await admin.create_key(project, customer.external_id, scopes=("read",))
        assert await directory.project(project) == made.project
        assert set(await directory.tiers(project)) == {"free", "pro"}
        assert await directory.customer(project, customer.external_id) == customer
        assert await directory.customer(project, customer.id) == customer
        assert await admin.keys(project, customer.id) == [key.credential]
        suspended = await admin.suspend_customer(project, customer.external_id, suspended=True)
        assert suspended == replace(customer, suspended=True)
        assert await directory.customer(project, customer.id) == suspended
        assert await directory.customer("another", customer.external_id) is None

    async def test_a_name_that_is_taken_is_a_conflict(self, backend: Backend) -> None:
        """However many want it at once, one gets it."""
        records = Records(backend.records_engine(), SystemClock(), Heard())
        admin = Administration(records)
        made = await admin.create_platform("shop", Mode.TEST, [parse_tier(TIERS[0])], [])
        answers = await asyncio.gather(
            *(admin.create_customer(made.project.id, "ada", None) for _ in range(RACERS)),
            return_exceptions=True,
        )
        assert sum(isinstance(each, ConflictError) for each in answers) == RACERS - 1
        directory = Directory(records)
        same = await asyncio.gather(
            *(directory.register(made.project.id, "bob", "free", 0.0) for _ in range(RACERS))
        )
        assert len({customer.id for customer in same}) == 1

    async def test_who_signs_in_first_is_registered_once(self, backend: Backend) -> None:
        """However many of their requests come at once, by however many workers."""
        records = Records(backend.records_engine(), SystemClock(), Heard())
        made = await Administration(records).create_platform(
            "shop", Mode.TEST, [parse_tier(TIERS[0])], []
        )
        directory, who = Directory(records), Identified("https://id.example.com", "ada")
        project = made.project.id
        assert await directory.linked(project, who) is None
        same = await asyncio.gather(
            *(directory.sign_up(project, who, "free") for _ in range(RACERS)),
            *(directory.register(project, "ada", "free", 0.0) for _ in range(RACERS)),
        )
        assert len(set(same[:RACERS])) == 1
        assert await directory.linked(project, who) == same[0]
        other = Identified("https://another.example.com", "ada")
        assert await directory.sign_up(project, other, "free") != same[0]

    async def test_a_write_that_fails_leaves_and_announces_nothing(self, backend: Backend) -> None:
        """The change, its audit and its announcement are one transaction."""
        feed = Heard()
        records = Records(backend.records_engine(), SystemClock(), feed)
        admin = Administration(records)
        made = await admin.create_platform("shop", Mode.TEST, [parse_tier(TIERS[0])], [])
        told = list(feed.changes)
        assert told
        with pytest.raises(KeyError):
            async with _failing(records) as connection:
                await connection.execute(text("DELETE FROM tiers"))
        assert feed.changes == told
        assert await Directory(records).tiers(made.project.id)
        async with backend.records_engine().connect() as connection:
            rows = await connection.execute(text("SELECT subject, ref FROM changes ORDER BY seq"))
            assert [tuple(row) for row in rows] == [(each.subject, each.ref) for each in told]


@asynccontextmanager
async def _failing(records: Records) -> AsyncIterator[AsyncConnection]:
    async with records.write("somebody") as writer:
        yield writer.connection
        raise KeyError


async def _start(url: str) -> None:
    async with opened(url, SystemClock()) as backend:
        await migrate(backend.records_engine())

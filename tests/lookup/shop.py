"""A lookup on the records over SQLite, whose store goes away and whose reads can be held."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import update
from tests.waiting import PATIENCE_SECONDS, eventually

from dream_gateway.administration import Administration
from dream_gateway.cache import CacheOptions
from dream_gateway.errors import (
    StoreUnavailableError,
)
from dream_gateway.invalidation import Invalidator
from dream_gateway.lookup import Lookup
from dream_gateway.model import Customer, Mode
from dream_gateway.plugins import open_backend
from dream_gateway.records import customers
from dream_gateway.records.database import Records
from dream_gateway.records.directory import Directory
from dream_gateway.records.migrate import migrate
from dream_gateway.records.schema import platforms
from dream_gateway.storage import Change, Subject
from dream_gateway.testing import FakeClock
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from dream_gateway.administration import NewKey
    from dream_gateway.records.projects import NewProject
    from dream_gateway.storage import Backend, ChangeFeed
    from dream_gateway.subjects import Subject as Found

OPTIONS = CacheOptions(ttl=60.0, negative_ttl=5.0, max_stale=600.0)
USELESS_AFTER = OPTIONS.ttl + OPTIONS.max_stale
TIERS = [parse_tier("free=100/month"), parse_tier("pro=unlimited")]
SOMEBODY = "somebody"


class Store:
    """The records as they are, until they are said to be away; whose answers may be held."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.away: set[str] = set()
        self.asked: list[str] = []
        self.held: dict[str, asyncio.Event] = {}
        self.read: dict[str, asyncio.Event] = {}

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        async def call(*arguments: object) -> object:
            self.asked.append(verb)
            if verb in self.away or "all" in self.away:
                raise StoreUnavailableError
            answer = await getattr(self._directory, verb)(*arguments)
            if verb in self.held:
                self.read[verb].set()
                await self.held[verb].wait()
            return answer

        return call

    def hold(self, verb: str) -> None:
        """Have what is read from now on wait before it is told."""
        self.held[verb], self.read[verb] = asyncio.Event(), asyncio.Event()

    def let_go(self, verb: str) -> None:
        self.held.pop(verb).set()


class Feed:
    """A real feed that can be cut, and stays lost until it is mended."""

    def __init__(self, feed: ChangeFeed) -> None:
        self._feed = feed
        self.fault: Exception | None = None
        self.silent = False
        self.seen: list[Change] = []

    async def publish(self, changes: Sequence[Change]) -> None:
        await self._feed.publish(changes)

    async def follow(self) -> AsyncIterator[Sequence[Change]]:
        if self.fault is not None:
            raise self.fault
        async for batch in self._feed.follow():
            if self.silent:
                await asyncio.Event().wait()
            if self.fault is not None:
                raise self.fault
            yield batch
            self.seen.extend(batch)  # Whoever asks for the next has dealt with this one.


@dataclass
class Shop:
    """A project with one customer, `ada`, one key, and a worker that looks them up."""

    backend: Backend
    records: Records
    clock: FakeClock
    store: Store
    lookup: Lookup
    invalidator: Invalidator
    feed: Feed
    administration: Administration
    platform: NewProject
    ada: Customer
    key: NewKey
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def follow(self) -> None:
        """Begin to follow the feed, and wait until that is so."""
        self.tasks.append(asyncio.create_task(self.invalidator.follow(self.feed)))
        await eventually(lambda: bool(self.invalidator.feeds_alive), "following the feed")

    async def plan(self) -> str:
        subject = await self.lookup.key(self.key.secret)
        assert subject is not None
        return subject.customer.plan

    def in_memory(self) -> bool:
        return self.lookup.peek_key(self.key.secret) is not None

    async def asking(self) -> asyncio.Task[Found | None]:
        """Ask for the key, and wait until the store has read what is held."""
        task = asyncio.create_task(self.lookup.key(self.key.secret))
        (read,) = self.store.read.values()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await read.wait()
        return task

    async def caught_up(self) -> None:
        """Wait until all that was written so far has come by the feed."""
        await self.write_change(Subject.CREDENTIAL, "a mark")
        mark = Change(Subject.CREDENTIAL, "a mark")
        await eventually(lambda: mark in self.feed.seen, "told of the mark")
        self.feed.seen.clear()

    async def write_change(self, subject: Subject, ref: str) -> None:
        """Announce a change that nobody made."""
        async with self.records.write(SOMEBODY) as writer:
            await writer.changed(subject, ref, "test")

    async def suspend(self) -> None:
        async with self.records.write(SOMEBODY) as writer:
            await writer.connection.execute(update(platforms).values(suspended=True))
            await writer.changed(Subject.PROJECT, self.platform.project.id, "test")

    async def change_plan(self, plan: str) -> None:
        """Put the customer on a tier, as another worker would."""
        async with self.records.write(SOMEBODY) as writer:
            found = await customers.by_id(writer.connection, self.ada.project_id, self.ada.id)
            assert found is not None
            await customers.change(writer, replace(found, plan=plan))


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Shop]:
    clock = FakeClock()
    backend = open_backend(f"sqlite:///{path}", clock)
    await backend.start()
    await migrate(backend.records_engine())
    records = Records(backend.records_engine(), clock, backend.feed())
    administration = Administration(records)
    platform = await administration.create_platform("shop", Mode.TEST, TIERS, [])
    ada = await administration.create_customer(platform.project.id, "ada", None)
    key = await administration.create_key(platform.project.id, "ada")
    store = Store(Directory(records))
    worker = Lookup(store, clock, OPTIONS)
    feed = Feed(backend.feed())
    shop = Shop(
        backend=backend,
        records=records,
        clock=clock,
        store=store,
        lookup=worker,
        invalidator=Invalidator(worker.cache),
        feed=feed,
        administration=administration,
        platform=platform,
        ada=ada,
        key=key,
    )
    try:
        yield shop
    finally:
        for task in shop.tasks:
            task.cancel()
        await asyncio.gather(*shop.tasks, return_exceptions=True)
        await backend.close()

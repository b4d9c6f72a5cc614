"""Lookups on the records over SQLite: what changes is seen, and what is lost is neither."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update
from tests.waiting import PATIENCE_SECONDS, eventually

from dream_gateway import invalidation, keys
from dream_gateway.administration import Administration
from dream_gateway.cache import CacheOptions
from dream_gateway.errors import (
    InvalidCredentialError,
    PlatformSuspendedError,
    StoreUnavailableError,
)
from dream_gateway.gateway import Gateway
from dream_gateway.invalidation import Invalidator
from dream_gateway.lookup import Lookup
from dream_gateway.model import Customer, KeyKind, KeyStatus, Mode
from dream_gateway.plugins import open_backend
from dream_gateway.records import customers
from dream_gateway.records.database import Records
from dream_gateway.records.directory import Directory
from dream_gateway.records.migrate import migrate
from dream_gateway.records.schema import platforms
from dream_gateway.settings import Settings
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


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invalidation, "FEED_RETRY_SECONDS", 0.01)


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


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened(tmp_path / "dream.db") as shop:
        yield shop


@pytest.fixture
async def followed(shop: Shop) -> Shop:
    """Return a shop whose worker follows the feed, with the key in memory."""
    await shop.follow()
    assert await shop.plan() == "free"
    assert shop.in_memory()
    shop.store.asked.clear()
    return shop


async def test_a_key_stands_for_its_customer_tier_and_project(shop: Shop) -> None:
    found = await shop.lookup.key(shop.key.secret)
    assert found is not None
    assert found.customer == shop.ada
    assert found.project == shop.platform.project
    assert found.tier == TIERS[0]
    assert found.credential == shop.key.credential
    assert shop.lookup.peek_key(shop.key.secret) is found
    assert shop.store.asked == ["credential", "project", "customer", "tiers"]


async def test_keys_of_one_customer_share_what_is_known_of_them(shop: Shop) -> None:
    await shop.plan()
    other = await shop.administration.create_key(shop.ada.project_id, "ada")
    shop.store.asked.clear()
    assert await shop.lookup.key(other.secret) is not None
    assert shop.store.asked == ["credential"]


async def test_an_unknown_key_is_none_and_is_asked_for_once(shop: Shop) -> None:
    unknown = keys.mint(KeyKind.CUSTOMER, Mode.TEST)
    assert shop.lookup.peek_key(unknown) is None
    assert shop.store.asked == []
    assert [await shop.lookup.key(unknown) for _ in range(3)] == [None] * 3
    assert shop.store.asked == ["credential"]
    shop.clock.advance(OPTIONS.negative_ttl)
    assert await shop.lookup.key(unknown) is None
    assert shop.store.asked == ["credential"] * 2


async def test_a_secret_key_stands_for_no_customer(shop: Shop) -> None:
    assert await shop.lookup.key(shop.platform.secret_key) is None
    found = await shop.lookup.credential(keys.digest(shop.platform.secret_key))
    assert found is not None
    assert found.kind is KeyKind.SECRET


async def test_a_revoked_key_is_gone_with_the_feeds_next_batch(followed: Shop) -> None:
    await followed.administration.revoke_key(followed.key.credential.id)
    await followed.caught_up()
    assert not followed.in_memory()
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert found.credential is not None
    assert found.credential.status is KeyStatus.REVOKED


@pytest.mark.parametrize("held", ["credential", "project", "customer", "tiers"])
async def test_a_key_revoked_while_it_is_read_is_not_kept(shop: Shop, held: str) -> None:
    await shop.follow()
    shop.store.hold(held)
    before = await shop.asking()
    await shop.administration.revoke_key(shop.key.credential.id)
    await shop.caught_up()
    after = asyncio.create_task(shop.lookup.key(shop.key.secret))
    shop.store.let_go(held)
    found = await before, await after
    assert [f and f.credential and f.credential.status for f in found] == [
        KeyStatus.ACTIVE,
        KeyStatus.REVOKED,
    ]


async def test_a_project_suspended_while_a_key_is_read_is_suspended(shop: Shop) -> None:
    """The key's load has the project from memory by then."""
    await shop.follow()
    assert await shop.lookup.project(shop.ada.project_id) is not None
    shop.store.hold("tiers")
    before = await shop.asking()
    await shop.suspend()
    await shop.caught_up()
    shop.store.let_go("tiers")
    await before
    after = await shop.lookup.key(shop.key.secret)
    assert after is not None
    assert after.project.suspended


async def test_a_suspended_project_is_so_for_each_of_its_keys(followed: Shop) -> None:
    await followed.suspend()
    await followed.caught_up()
    assert not followed.in_memory()
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert found.project.suspended


async def test_a_tier_that_changes_changes_its_customers_subjects(followed: Shop) -> None:
    await followed.administration.set_tier(followed.ada.project_id, parse_tier("free=7/day"))
    await followed.caught_up()
    assert not followed.in_memory()
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert found.tier == parse_tier("free=7/day")


async def test_a_customer_who_changes_tier_is_on_it(followed: Shop) -> None:
    await followed.change_plan("pro")
    await followed.caught_up()
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert found.tier == TIERS[1]
    customer = await followed.lookup.customer(followed.ada.project_id, "ada")
    assert customer is not None
    assert customer.plan == "pro"


async def test_a_deleted_customers_key_stands_for_nobody(followed: Shop) -> None:
    async with followed.records.write(SOMEBODY) as writer:
        await customers.delete(writer, followed.ada)
    await followed.caught_up()
    assert await followed.lookup.key(followed.key.secret) is None
    assert await followed.lookup.customer(followed.ada.project_id, "ada") is None


async def test_a_change_of_anything_drops_everything(followed: Shop) -> None:
    await followed.write_change(Subject.ALL, "")
    await followed.caught_up()
    assert not followed.in_memory()


async def test_a_change_of_something_else_drops_nothing(followed: Shop) -> None:
    await followed.administration.create_customer(followed.ada.project_id, "bob", None)
    await followed.administration.create_key(followed.ada.project_id, "bob")
    await followed.caught_up()
    assert followed.in_memory()


async def test_what_was_read_before_the_feed_was_up_is_read_again(shop: Shop) -> None:
    assert await shop.plan() == "free"
    await shop.change_plan("pro")  # Nobody follows yet, and a feed begins at the present.
    assert await shop.plan() == "free"
    await shop.follow()
    assert not shop.in_memory()
    assert await shop.plan() == "pro"


async def test_what_was_being_read_when_the_feed_came_up_is_read_again(shop: Shop) -> None:
    shop.store.hold("customer")
    before = await shop.asking()
    await shop.change_plan("pro")
    await shop.follow()
    shop.store.let_go("customer")
    await before
    assert await shop.plan() == "pro"


@pytest.mark.parametrize("fault", [StoreUnavailableError(), RuntimeError("a broken feed")])
async def test_while_the_feed_is_lost_what_is_known_is_read_again_before_use(
    followed: Shop, fault: Exception
) -> None:
    assert await followed.plan() == "free"
    followed.feed.fault = fault
    await eventually(lambda: not followed.invalidator.feeds_alive, "without its feed")
    assert not followed.in_memory()
    await followed.change_plan("pro")
    assert await followed.plan() == "pro"
    followed.feed.fault = None
    await eventually(lambda: bool(followed.invalidator.feeds_alive), "following the feed")
    assert not followed.in_memory()  # A change between the last look and the feed's return.
    assert await followed.plan() == "pro"
    await followed.change_plan("free")
    await followed.caught_up()
    assert await followed.plan() == "free"


async def test_a_feed_that_falls_silent_is_lost_and_followed_anew(
    followed: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invalidation, "FEED_SILENCE_SECONDS", 0.5)
    await followed.caught_up()  # Else it still waits by the longer time.
    followed.feed.silent = True
    await followed.change_plan("pro")
    await eventually(lambda: not followed.invalidator.feeds_alive, "without its feed")
    assert await followed.plan() == "pro"
    followed.feed.silent = False
    await eventually(lambda: bool(followed.invalidator.feeds_alive), "following the feed")
    assert not followed.in_memory()


async def test_while_the_feed_and_the_store_are_away_what_is_known_is_served(
    followed: Shop,
) -> None:
    followed.feed.fault = StoreUnavailableError()
    followed.store.away = {"all"}
    await eventually(lambda: not followed.invalidator.feeds_alive, "without its feed")
    assert not followed.in_memory()
    assert await followed.plan() == "free"


async def test_while_the_store_is_away_a_key_is_served_until_it_is_too_old(followed: Shop) -> None:
    followed.store.away = {"all"}
    followed.clock.advance(USELESS_AFTER - 1)
    assert followed.in_memory()
    assert await followed.plan() == "free"
    followed.clock.advance(1)
    assert not followed.in_memory()
    with pytest.raises(StoreUnavailableError):
        await followed.plan()
    followed.store.away = set()
    assert await followed.plan() == "free"


@pytest.mark.parametrize("away", ["all", "credential", "project", "customer", "tiers"])
async def test_while_any_of_it_is_away_a_key_never_seen_is_not_called_unknown(
    shop: Shop, away: str
) -> None:
    shop.store.away = {away}
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            await shop.lookup.key(shop.key.secret)
    shop.store.away = set()
    assert await shop.plan() == "free"


async def test_while_the_store_is_away_a_revoked_key_is_not_served(followed: Shop) -> None:
    await followed.administration.revoke_key(followed.key.credential.id)
    await followed.caught_up()
    followed.store.away = {"all"}
    with pytest.raises(StoreUnavailableError):
        await followed.lookup.key(followed.key.secret)


async def test_a_key_read_with_a_doubted_project_is_doubted_too(followed: Shop) -> None:
    """The feed was lost, and of all that is read again only the project could not be."""
    followed.store.away = {"project"}
    followed.feed.fault = StoreUnavailableError()
    await eventually(lambda: not followed.invalidator.feeds_alive, "without its feed")
    await followed.suspend()
    followed.feed.fault = None
    await eventually(lambda: bool(followed.invalidator.feeds_alive), "following the feed")
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert not found.project.suspended  # What was known before.
    followed.store.away = set()
    assert not followed.in_memory()
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert found.project.suspended


async def test_a_key_is_no_younger_than_the_project_it_was_read_with(followed: Shop) -> None:
    followed.store.away = {"project"}
    followed.clock.advance(OPTIONS.ttl + 1)
    assert await followed.plan() == "free"  # Read again behind this, but for the project.
    await eventually(lambda: not followed.lookup.cache._loading, "read")
    assert "project" in followed.store.asked
    followed.clock.advance(OPTIONS.max_stale - 1)
    with pytest.raises(StoreUnavailableError):
        await followed.plan()


async def test_a_customer_another_worker_registers_is_seen_in_a_short_while(
    followed: Shop,
) -> None:
    project = followed.ada.project_id
    assert await followed.lookup.customer(project, "bob") is None
    made = await followed.administration.create_customer(project, "bob", "pro")
    await followed.caught_up()
    followed.clock.advance(OPTIONS.negative_ttl)
    assert await followed.lookup.customer(project, "bob") == made


async def test_who_registers_a_customer_another_worker_has_gets_theirs(followed: Shop) -> None:
    project = followed.ada.project_id
    assert await followed.lookup.customer(project, "bob") is None
    made = await followed.administration.create_customer(project, "bob", "pro")
    assert await followed.lookup.register(project, "bob", "free", 0.0) == made
    assert await followed.lookup.customer(project, "bob") == made


async def test_a_customer_registered_while_they_are_looked_for_is_found(followed: Shop) -> None:
    project = followed.ada.project_id
    followed.store.hold("customer")
    before = asyncio.create_task(followed.lookup.customer(project, "bob"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await followed.store.read["customer"].wait()
    made = await followed.lookup.register(project, "bob", "free", 0.0)
    followed.store.let_go("customer")
    assert await before is None
    assert await followed.lookup.customer(project, "bob") == made


async def test_a_customer_is_found_by_either_of_their_names(shop: Shop) -> None:
    project = shop.ada.project_id
    assert await shop.lookup.customer(project, "ada") == shop.ada
    assert await shop.lookup.customer(project, shop.ada.id) == shop.ada
    assert await shop.lookup.customer("prj_other", "ada") is None


async def test_a_running_gateway_refuses_what_another_process_forbids(tmp_path: Path) -> None:
    gateway = Gateway(Settings(store=f"sqlite:///{tmp_path}/dream.db"), FakeClock())

    async def healthy() -> bool:
        return (await gateway.health())["feed"] is None

    async with opened(tmp_path / "dream.db") as shop:

        async def code() -> str:
            return (await gateway.admission.key(shop.key.secret, 0)).code

        async def suspended() -> bool:
            return await code() == PlatformSuspendedError.code

        async def invalid() -> bool:
            return await code() == InvalidCredentialError.code

        await gateway.start()
        try:
            await eventually(healthy, "healthy")
            assert await code() == "allowed"
            await shop.suspend()
            await eventually(suspended, "suspended")
            await shop.administration.revoke_key(shop.key.credential.id)
            await eventually(invalid, "invalid")
        finally:
            await gateway.close()

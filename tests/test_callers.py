"""Whoever is remembered is whom the cache would name, whatever happened in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dream_gateway.cache import CacheOptions
from dream_gateway.callers import Caller, KeyHolder, NamedUser
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.invalidation import Invalidator
from dream_gateway.journal import Journal
from dream_gateway.lease_policy import MeterOptions
from dream_gateway.lookup import Lookup
from dream_gateway.memory.ledger import MemoryLedger
from dream_gateway.meter import Meter
from dream_gateway.model import (
    Credential,
    Customer,
    KeyKind,
    KeyStatus,
    Mode,
    Project,
    Tier,
)
from dream_gateway.storage import Change, Subject
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dream_gateway.hookspecs import Identified

KEY, SECRET = b"ak_of_ada", b"sk_of_shop"
V = TypeVar("V")
DIGESTS = {kind: sha256(kind).digest() for kind in (KEY, SECRET)}


class Source:
    """One project, one customer, a key of each kind; all of it may change."""

    def __init__(self) -> None:
        self.away = False
        self.projects = Project("prj", "plt", "shop", Mode.TEST, "free")
        self.person = Customer("cus", "prj", "ada", "free", 0.0, 0.0)
        self.keys = {
            DIGESTS[KEY]: Credential("k", KeyKind.CUSTOMER, "prj", "ak", "x", 0.0, "cus"),
            DIGESTS[SECRET]: Credential("s", KeyKind.SECRET, "prj", "sk", "x", 0.0),
        }

    def _answer(self, value: V) -> V:
        if self.away:
            raise StoreUnavailableError
        return value

    async def credential(self, digest: bytes) -> Credential | None:
        return self._answer(self.keys.get(digest))

    async def project(self, project_id: str) -> Project | None:
        return self._answer(self.projects if project_id == "prj" else None)

    async def tiers(self, project_id: str) -> dict[str, Tier]:
        return self._answer({"free": Tier("free", ()), "pro": Tier("pro", ())})

    async def customer(self, project_id: str, ref: str) -> Customer | None:
        return self._answer(self.person if ref in ("ada", "cus") else None)

    async def register(self, project_id: str, external_id: str, plan: str, now: float) -> Customer:
        return self._answer(self.person)

    async def linked(self, project_id: str, who: Identified) -> str | None:
        return self._answer("cus")

    async def sign_up(self, project_id: str, who: Identified, plan: str) -> str:
        return self._answer("cus")


class World:
    """A worker with a cache over the source, and callers that it remembers or asks for anew."""

    def __init__(self, folder: Path, size: int = 100) -> None:
        self.clock = FakeClock()
        self.source = Source()
        options = CacheOptions(size=size, ttl=60.0, negative_ttl=5.0, max_stale=600.0)
        self.lookup = Lookup(self.source, self.clock, options)
        self.invalidator = Invalidator(self.lookup.cache)
        self.journal = Journal(folder, "ledger", "boot")
        self.meter = Meter(MemoryLedger(self.clock), self.journal, self.clock, MeterOptions())
        self.remembered = [self.holder(), self.user()]

    def holder(self) -> Caller:
        return KeyHolder(self.lookup, self.meter, DIGESTS[KEY])

    def user(self) -> Caller:
        return NamedUser(self.lookup, self.meter, SECRET, "ada")

    async def warm(self) -> None:
        try:
            await self.lookup.cache.get(DIGESTS[KEY])
            await self.lookup.credential(DIGESTS[SECRET])
            await self.lookup.caller("prj", "ada")
        except StoreUnavailableError:
            pass
        for _ in range(5):
            await asyncio.sleep(0)

    def look(self) -> None:
        """Compare whom each remembers with whom somebody finds who remembers nothing."""
        for caller, fresh in zip(self.remembered, [self.holder(), self.user()], strict=True):
            now, clock = self.clock.now(), self.clock.monotonic()
            assert caller.find(now, clock) is fresh.find(now, clock)

    def change(self, subject: Subject, ref: str) -> None:
        self.invalidator.apply([Change(subject, ref)])

    def revoke(self) -> None:
        for digest, key in self.source.keys.items():
            self.source.keys[digest] = replace(key, status=KeyStatus.REVOKED)
        self.change(Subject.CREDENTIAL, "k")
        self.change(Subject.CREDENTIAL, "s")

    def restore(self) -> None:
        for digest, key in self.source.keys.items():
            self.source.keys[digest] = replace(key, status=KeyStatus.ACTIVE, expires_at=None)
        self.change(Subject.ALL, "")

    def expire(self) -> None:
        end = self.clock.now() + 30.0
        for digest, key in self.source.keys.items():
            self.source.keys[digest] = replace(key, expires_at=end)
        self.change(Subject.ALL, "")

    def upgrade(self) -> None:
        self.source.person = replace(self.source.person, plan="pro")
        self.change(Subject.CUSTOMER, "cus")

    def suspend(self) -> None:
        self.source.projects = replace(self.source.projects, suspended=True)
        self.change(Subject.PROJECT, "prj")

    def resume(self) -> None:
        self.source.projects = replace(self.source.projects, suspended=False)
        self.change(Subject.PROJECT, "prj")

    def suspend_customer(self) -> None:
        self.source.person = replace(self.source.person, suspended=True)
        self.change(Subject.CUSTOMER, "cus")

    def resume_customer(self) -> None:
        self.source.person = replace(self.source.person, suspended=False)
        self.change(Subject.CUSTOMER, "cus")

    def distrust(self) -> None:
        self.lookup.cache.distrust()

    def lose(self) -> None:
        self.source.away = True

    def mend(self) -> None:
        self.source.away = False


CHANGES = [
    "revoke",
    "restore",
    "expire",
    "upgrade",
    "suspend",
    "resume",
    "suspend_customer",
    "resume_customer",
    "distrust",
    "lose",
    "mend",
]
steps = st.one_of(
    st.sampled_from(CHANGES),
    st.just("warm"),
    st.sampled_from([1.0, 5.0, 29.0, 59.0, 60.0, 300.0, 700.0]),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journals")


@settings(max_examples=300)
@given(st.lists(steps, max_size=25))
def test_remembering_makes_no_difference(folder: Path, path: list[str | float]) -> None:
    async def run() -> None:
        world = World(folder, size=6)
        try:
            await world.warm()
            world.look()
            for step in path:
                if isinstance(step, float):
                    world.clock.advance(step)
                elif step == "warm":
                    await world.warm()
                else:
                    getattr(world, step)()
                world.look()
                world.look()
        finally:
            world.journal.close()

    asyncio.run(run())


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    made = World(folder)
    yield made
    made.journal.close()


async def test_a_warm_caller_is_found_without_the_cache(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.warm()
    world.look()
    monkeypatch.setattr(world.lookup.cache, "known", None)
    for caller in world.remembered:
        assert caller.find(world.clock.now(), world.clock.monotonic()) is not None


@pytest.mark.parametrize("change", ["revoke", "suspend", "suspend_customer"])
async def test_a_change_is_seen_by_the_next_request(world: World, change: str) -> None:
    await world.warm()
    world.look()
    getattr(world, change)()
    await world.warm()
    for caller in world.remembered:
        assert caller.find(world.clock.now(), world.clock.monotonic()) is None


async def test_a_secret_key_ends_when_it_says_though_nothing_else_changes(world: World) -> None:
    world.expire()
    await world.warm()
    world.look()
    user = world.remembered[1]
    assert user.find(world.clock.now(), world.clock.monotonic()) is not None
    world.clock.advance(30.0)
    assert user.find(world.clock.now(), world.clock.monotonic()) is None

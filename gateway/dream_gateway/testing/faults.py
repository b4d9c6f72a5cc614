"""What a backend on a network must do while its server cannot be reached, and afterwards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from dream_gateway.clock import SystemClock
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.storage import Change, Outcome, Role, Subject, Tally
from dream_gateway.testing.asynchronous import async_fixture
from dream_gateway.testing.feed import generator
from dream_gateway.testing.ledger_base import back, event, quota, record_one, take_one
from dream_gateway.testing.store import StoreFixtures, need, opened

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from dream_gateway.storage import Backend, Ledger
    from dream_gateway.testing.wire import Wire

BOUND_SECONDS = 30.0
"""Within this a verb has failed, whatever the network does."""

RECOVERY_SECONDS = 30.0


class FaultContract(StoreFixtures):
    """Override `wire` and `wired_url`, where there is a network in between; else it is skipped."""

    @async_fixture
    async def wire(self) -> Wire | None:
        """Return (or yield) a wire to the store's server (`open_wire`); `None`: no network."""
        return None

    @pytest.fixture
    def wired_url(self, wire: Wire | None) -> str | None:
        """Return the URL of a new, empty store, reached over the wire's port."""
        return None

    @async_fixture
    async def wired(
        self, wire: Wire | None, wired_url: str | None, unopened: Backend
    ) -> AsyncIterator[tuple[Wire, Backend]]:
        """Yield the wire, whole, and a backend that is open over it."""
        if wire is None or wired_url is None:
            pytest.skip("there is no network between this backend and its store")
        async with opened(wired_url, SystemClock()) as backend:
            yield wire, backend
            await wire.heal()

    @pytest.mark.parametrize("fault", ["cut", "stall", "lose_answers"])
    async def test_a_lost_ledger_raises_in_time_and_comes_back(
        self, wired: tuple[Wire, Backend], fault: str
    ) -> None:
        """Every verb; and what was asked meanwhile is counted once, if it is asked again."""
        wire, backend = wired
        need(backend, Role.LEDGER)
        ledger = backend.ledger()
        assert (await take_one(ledger, quota("before", 2, 10))).granted == 2
        await inflict(wire, fault)
        for verb in verbs(ledger):
            async with asyncio.timeout(BOUND_SECONDS):
                with pytest.raises(StoreUnavailableError):
                    await verb()
        await wire.heal()
        await recovered(lambda: ledger.usage([]))
        assert (await take_one(ledger, quota("during", 3, 10))).granted == 3
        assert (await take_one(ledger, quota("during", 3, 10))).granted == 3
        await ledger.give_back([back("before", 1), back("during", 3)])
        answer = await record_one(ledger, event("k", 1))
        assert answer.outcome in {Outcome.RECORDED, Outcome.DUPLICATE}
        assert await ledger.usage(["s/q"]) == [Tally(5, 0)]

    @pytest.mark.parametrize("fault", ["cut", "stall"])
    async def test_a_lost_cache_raises_in_time_and_comes_back(
        self, wired: tuple[Wire, Backend], fault: str
    ) -> None:
        """Whatever is asked of it."""
        wire, backend = wired
        need(backend, Role.KV)
        kv = backend.kv()
        await kv.put("key", b"value", 60)
        await inflict(wire, fault)
        for ask in (kv.get("key"), kv.put("k", b"", 60), kv.delete(["k"])):
            async with asyncio.timeout(BOUND_SECONDS):
                with pytest.raises(StoreUnavailableError):
                    await ask
        await wire.heal()
        await recovered(lambda: kv.get("key"))

    @pytest.mark.parametrize("fault", ["cut", "stall"])
    async def test_a_lost_feed_says_so_and_can_be_followed_again(
        self, wired: tuple[Wire, Backend], fault: str
    ) -> None:
        """A follower that hears nothing must not believe that nothing changes."""
        wire, backend = wired
        need(backend, Role.FEED)
        feed = backend.feed()
        follower = generator(feed)
        async with asyncio.timeout(BOUND_SECONDS):
            await anext(follower)
            await inflict(wire, fault)
            with pytest.raises(StoreUnavailableError):
                await _drain(follower)
        await wire.heal()

        async def follow() -> None:
            again = generator(feed)
            try:
                await anext(again)
            finally:
                await again.aclose()

        await recovered(follow)
        await feed.publish([Change(Subject.TIER, "prj_1")])


async def _drain(follower: AsyncGenerator[object, None]) -> None:
    async for _ in follower:
        pass


async def inflict(wire: Wire, fault: str) -> None:
    """Break the wire in one of its ways."""
    if fault == "cut":
        await wire.cut()
    elif fault == "stall":
        wire.stall()
    else:
        wire.lose_answers()


def verbs(ledger: Ledger) -> list[Callable[[], Awaitable[object]]]:
    """Return a call of every verb of a ledger."""
    return [
        lambda: ledger.take([quota("during", 3, 10)]),
        lambda: ledger.give_back([back("never", 0)]),
        lambda: ledger.record([event("k", 1)]),
        lambda: ledger.usage(["s/q"]),
    ]


async def recovered(ask: Callable[[], Awaitable[object]]) -> None:
    """Ask until there is an answer; it must come by itself."""
    async with asyncio.timeout(RECOVERY_SECONDS):
        while True:
            try:
                await ask()
            except StoreUnavailableError:
                await asyncio.sleep(0)
            else:
                return

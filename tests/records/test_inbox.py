"""Events of payment providers on each engine: each is kept once, and an object is one worker's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from dream_gateway.payments import About, Account, Endpoint, Event
from dream_gateway.plugins import open_backend
from dream_gateway.records import inbox
from dream_gateway.records.database import Records
from dream_gateway.records.inbox import InboxStatus
from dream_gateway.records.migrate import migrate
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.records.inbox import Taken

ACCOUNT = Account("acct_1", live=False)
LEASE = 60.0
SUBSCRIPTION = About.SUBSCRIPTION


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def records(store: str, clock: FakeClock) -> AsyncIterator[Records]:
    backend = open_backend(store, clock)
    await backend.start()
    await migrate(backend.records_engine())
    yield Records(backend.records_engine(), clock, backend.feed())
    await backend.close()


async def put(records: Records, name: str, ref: str, **more: object) -> bool:
    values = {"account": ACCOUNT, "about": SUBSCRIPTION, **more}
    event = Event(id=name, type="x", created_at=1.0, ref=ref, **values)  # type: ignore[arg-type] # by name
    async with records.write("test") as writer:
        return await inbox.put(writer, Endpoint.CONNECT, event)


async def take(records: Records) -> Taken | None:
    async with records.write("test") as writer:
        return await inbox.take(writer, LEASE)


async def statuses(records: Records) -> list[str]:
    async with records.read() as connection:
        found = await inbox.page(connection, None, None, 100)
    return [each.status for each in reversed(found)]


async def test_an_event_is_kept_once_however_many_bring_it(records: Records) -> None:
    kept = await asyncio.gather(*(put(records, "evt_1", "sub_1") for _ in range(6)))
    assert sorted(kept) == [False] * 5 + [True]
    assert await put(records, "evt_1", "sub_1", account=Account("acct_1", live=True))
    assert await put(records, "evt_1", "sub_1", account=Account("acct_2", live=False))
    assert await put(records, "evt_2", "", about=About.NOTHING)
    assert await statuses(records) == ["pending", "pending", "pending", "ignored"]


async def test_each_object_is_taken_by_one_with_all_that_is_known_of_it(records: Records) -> None:
    for number in range(3):
        for ref in ("sub_1", "sub_2"):
            await put(records, f"evt_{ref}_{number}", ref)
    taken = await asyncio.gather(*(take(records) for _ in range(5)))
    found = [each for each in taken if each is not None]
    assert sorted(each.events[0].ref for each in found) == ["sub_1", "sub_2"]
    assert {len(each.events) for each in found} == {3}
    # What comes meanwhile waits for whoever is at it.
    await put(records, "evt_late", "sub_1")
    assert await take(records) is None
    first = next(each for each in found if each.events[0].ref == "sub_1")
    async with records.write("test") as writer:
        assert await inbox.finish(writer, first, InboxStatus.DONE, "plt_1", "prj_1")
    late = await take(records)
    assert late is not None
    assert [each.event_id for each in late.events] == ["evt_late"]


async def test_what_was_put_off_comes_again_and_what_was_parked_does_not(
    records: Records, clock: FakeClock
) -> None:
    await put(records, "evt_1", "sub_1")
    taken = await take(records)
    assert taken is not None
    async with records.write("test") as writer:
        await inbox.put_off(writer, taken, 10.0, "away", counts=False)
    assert await take(records) is None
    clock.advance(10)
    again = await take(records)
    assert again is not None
    assert again.attempts == 1
    async with records.write("test") as writer:
        await inbox.put_off(writer, again, 0.0, "bad", counts=True)
    third = await take(records)
    assert third is not None
    assert third.attempts == 2
    async with records.write("test") as writer:
        await inbox.park(writer, third, "bad")
    clock.advance(1e6)
    assert await take(records) is None
    async with records.write("test") as writer:
        assert await inbox.replay(writer, None) == 1
    assert await take(records) is not None


async def test_a_lease_that_ran_out_is_nobodys(records: Records, clock: FakeClock) -> None:
    await put(records, "evt_1", "sub_1")
    dead = await take(records)
    assert dead is not None
    clock.advance(LEASE)
    alive = await take(records)
    assert alive is not None
    async with records.write("test") as writer:
        assert not await inbox.finish(writer, dead, InboxStatus.DONE, None, None)
        assert await inbox.finish(writer, alive, InboxStatus.DONE, None, None)
    async with records.write("test") as writer:
        await inbox.prune(writer, clock.now() + 1)
    assert await statuses(records) == []

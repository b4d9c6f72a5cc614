"""What a gateway writes down of what it did: all of it once, and nothing of it in limits' way."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from tests.waiting import becomes

from dream_gateway.administration import Administration
from dream_gateway.command_stores import open_records
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.gateway import Gateway
from dream_gateway.keys import digest
from dream_gateway.model import Allowance, AllowanceKind, Interval, KeyKind, Mode, Tier
from dream_gateway.records import credentials, reports, rollups
from dream_gateway.series import DENIED, REFUNDED, REQUESTS, UNITS, Granularity
from dream_gateway.settings import Settings
from dream_gateway.testing import FakeClock
from dream_gateway.tierspec import parse_tier
from dream_gateway.usage_events import TrackedEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.model import Project
    from dream_gateway.records.rollups import Used

KINDS = (REQUESTS, UNITS, DENIED, REFUNDED)

pytestmark = pytest.mark.usefixtures("database")


@asynccontextmanager
async def started(store: str, clock: FakeClock, **values: Any) -> AsyncIterator[Gateway]:
    gateway = Gateway(replace(Settings(), store=store, **values), clock)
    try:
        await gateway.start()
        yield gateway
    finally:
        await gateway.close()


async def made(gateway: Gateway, *tiers: str) -> Project:
    specs = [parse_tier(tier) for tier in tiers]
    admin = Administration(gateway.records)
    return (await admin.create_platform("a", Mode.TEST, specs, ())).project


async def told(
    store: str, project: str, granularity: Granularity, clock: FakeClock
) -> dict[str, int]:
    span = (clock.now() - 3_600, clock.now() + 60)
    async with open_records(Settings(store=store)) as records, records.read() as connection:
        points = await rollups.series(connection, [project], granularity, KINDS, span)
    found: dict[str, int] = {}
    for point in points:
        found[point.metric] = found.get(point.metric, 0) + point.value
    return found


async def use_of(store: str, project: str, clock: FakeClock) -> list[Used]:
    async with open_records(Settings(store=store)) as records, records.read() as connection:
        day = await rollups.top_customers(connection, project, Granularity.DAY, clock.now(), 99)
        month = await rollups.top_customers(connection, project, Granularity.MONTH, clock.now(), 99)
    assert [each.used for each in day] == [each.used for each in month]
    return [each.used for each in day]


async def test_all_that_happened_is_written_down_by_the_end(store: str) -> None:
    clock = FakeClock()
    async with started(store, clock) as gateway:
        project = await made(gateway, "free=100/month")
        admission = gateway.admission
        for _ in range(40):
            assert (await admission.track(project, "ada", 1, None)).allowed
        assert (await admission.track(project, "ada", 25, None)).allowed
        assert not (await admission.track(project, "ada", 50, None)).allowed
        events = [TrackedEvent("bob", 7, "k", "f"), TrackedEvent("bob", 700, "l", "f")]
        await admission.events.record(project, events)
        await admission.events.record(project, events[:1])
        await admission.key("ak_test_nobody", 1)
    expected = {REQUESTS: 42, UNITS: 72, "denied.quota_exceeded": 2}
    for granularity in (Granularity.MINUTE, Granularity.HOUR, Granularity.DAY):
        assert await told(store, project.id, granularity, clock) == expected
    assert await told(store, "", Granularity.HOUR, clock) == {"denied.invalid_credential": 1}
    assert await use_of(store, project.id, clock) == [(41, 65, 1), (1, 7, 1)]


async def test_two_workers_add_up(store: str) -> None:
    clock = FakeClock()
    async with started(store, clock) as one, started(store, clock) as two:
        project = await made(one, "free=100000/month")
        for n in range(200):
            admission = (one, two)[n % 2].admission
            assert (await admission.track(project, f"user-{n % 7}", 1, None)).allowed
        for each in (one, two):
            assert each.rollup is not None
            each.rollup.collect()
        written = [each.rollup.write() for each in (one, two) if each.rollup is not None]
        await asyncio.gather(*written)
    assert (await told(store, project.id, Granularity.DAY, clock))[UNITS] == 200
    assert sum(used.units for used in await use_of(store, project.id, clock)) == 200


async def keys_made(gateway: Gateway) -> tuple[Project, str, str]:
    """Return a project with one customer, the customer's key, and the project's secret key."""
    admin = Administration(gateway.records)
    made = await admin.create_platform("a", Mode.TEST, [parse_tier("pro=1000000/month")], ())
    await admin.create_customer(made.project.id, "ada", None)
    return made.project, (await admin.create_key(made.project.id, "ada")).secret, made.secret_key


async def used_at(gateway: Gateway, secret: str) -> float | None:
    """Write down what was collected, and return when a key was used last."""
    assert gateway.rollup is not None
    gateway.rollup.collect()
    await gateway.rollup.write()
    async with gateway.records.read() as connection:
        found = await credentials.by_digest(connection, digest(secret))
    assert found is not None
    return found.last_used_at


async def test_the_last_use_of_a_key_is_written_down_to_a_minute(store: str) -> None:
    clock = FakeClock()
    async with started(store, clock) as gateway:
        _, key, secret = await keys_made(gateway)
        admission = gateway.admission
        assert (await used_at(gateway, key), await used_at(gateway, secret)) == (None, None)
        began = clock.now()
        for _ in range(3):
            assert (await admission.key(key, 1)).allowed
            await admission.holders.project_of(secret, frozenset({KeyKind.SECRET}))
        assert (await used_at(gateway, key), await used_at(gateway, secret)) == (began, began)
        clock.advance(59)
        holder = admission.by_key(digest(key))
        assert holder.find(clock.now(), clock.monotonic()) is not None
        assert admission.try_key(key, 1) is not None
        assert admission.holders.try_project(secret) is not None
        assert admission.counts.take().used == {}  # What is warm notes nothing.
        clock.advance(2)
        assert holder.find(clock.now(), clock.monotonic()) is not None
        assert admission.holders.try_project(secret) is not None
        await becomes(partial(used_at, gateway, key), began + 61)
        await becomes(partial(used_at, gateway, secret), began + 61)


@pytest.mark.parametrize("how", ["expired", "revoked", "unknown"])
async def test_a_key_that_does_not_work_is_not_used(store: str, how: str) -> None:
    clock = FakeClock()
    async with started(store, clock) as gateway:
        project, key, _ = await keys_made(gateway)
        admin = Administration(gateway.records)
        if how == "expired":
            key = (await admin.create_key(project.id, "ada", expires_at=clock.now() + 5)).secret
            clock.advance(5)
        if how == "revoked":
            (found,) = await admin.keys(project.id, "ada")
            await admin.revoke_key(found.id)
        sent = f"{key[:-1]}{'a' if key[-1] != 'a' else 'b'}" if how == "unknown" else key
        assert not (await gateway.admission.key(sent, 1)).allowed
        assert await used_at(gateway, key) is None


async def test_of_two_workers_the_later_use_of_a_key_stays(store: str) -> None:
    clock = FakeClock()
    async with started(store, clock) as one, started(store, clock) as two:
        _, key, _ = await keys_made(one)
        assert (await one.admission.key(key, 1)).allowed
        clock.advance(10)
        assert (await two.admission.key(key, 1)).allowed
        assert await used_at(two, key) == clock.now()
        assert await used_at(one, key) == clock.now()


@pytest.mark.parametrize("settled", [False, True])
async def test_refunds_are_told_apart(tmp_path: Any, *, settled: bool) -> None:
    store, clock = f"sqlite:///{tmp_path}/dream.db", FakeClock()
    async with started(store, clock) as gateway:
        project = await made(gateway, "free=100/month")
        verdicts = [await gateway.admission.track(project, "ada", 2, None) for _ in range(5)]
        if settled:
            subject = gateway.admission.try_track(project, "ada", 1)
            assert subject is not None
            assert gateway._meter is not None
            await gateway._meter.release(subject.subject.counters)
        gateway.admission.refund(verdicts[0])
    extra = 1 if settled else 0
    expected = {REQUESTS: 5 + extra, UNITS: 10 + extra, REFUNDED: 2}
    assert await told(store, project.id, Granularity.DAY, clock) == expected


async def test_a_tier_that_counts_by_something_else_counts_once(tmp_path: Any) -> None:
    store, clock = f"sqlite:///{tmp_path}/dream.db", FakeClock()
    rate = Allowance(AllowanceKind.RATE, 1_000, Interval.SECOND)
    async with started(store, clock) as gateway:
        project = await made(gateway, "free=100/month@1000/s")
        admin = Administration(gateway.records)
        await admin.set_tier(project.id, Tier("free", (rate,)))
        await gateway.admission.track(project, "ada", 3, None)
        await admin.set_tier(project.id, parse_tier("free=100/month@1000/s"))
        await gateway.admission.track(project, "ada", 4, None)
        await admin.set_tier(project.id, Tier("free", ()))
        # Such a tier counts nothing, and there is nothing to tell.
        await gateway.admission.track(project, "ada", 5, None)
    assert (await told(store, project.id, Granularity.DAY, clock))[UNITS] == 7


@pytest.mark.parametrize("works", [0, 1, 2])
async def test_what_a_store_that_is_away_does_not_take_is_kept(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, works: int
) -> None:
    monkeypatch.setattr("dream_gateway.rollup.CUSTOMERS_AT_ONCE", 3)
    store, clock = f"sqlite:///{tmp_path}/dream.db", FakeClock()
    async with started(store, clock) as gateway:
        project = await made(gateway, "free=10/month")
        for n in range(40):
            await gateway.admission.track(project, f"user-{n % 8}", 1 + n % 8, None)
        assert gateway._meter is not None
        gateway._meter.sweep()
        rollup = gateway.rollup
        assert rollup is not None
        rollup.collect()
        with monkeypatch.context() as broken:
            broken.setattr(gateway.records, "write", Fickle(gateway.records.write, works))
            with pytest.raises(StoreUnavailableError):
                await rollup.write()
    found = await told(store, project.id, Granularity.DAY, clock)
    used = await use_of(store, project.id, clock)
    assert found[UNITS] == sum(each.units for each in used)
    assert found[REQUESTS] == sum(each.requests for each in used)
    assert found["denied.quota_exceeded"] == sum(each.denied for each in used)
    assert found[REQUESTS] + found["denied.quota_exceeded"] == 40


async def test_no_transaction_is_long(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, sizes = FakeClock(), []
    add, prune = rollups.add, rollups.prune

    async def adding(writer: Any, counted: Any, used: Any) -> None:
        sizes.append(len(counted))
        await add(writer, counted, used)

    async def pruning(writer: Any, *limits: Any) -> int:
        sizes.append(await prune(writer, *limits))
        return sizes[-1]

    monkeypatch.setattr("dream_gateway.rollup.COUNTS_AT_ONCE", 3)
    monkeypatch.setattr("dream_gateway.rollup.PRUNE_AT_ONCE", 3)
    monkeypatch.setattr("dream_gateway.rollup.CUSTOMERS_AT_ONCE", 3)
    monkeypatch.setattr(rollups, "add", adding)
    monkeypatch.setattr(rollups, "prune", pruning)
    async with started(store, clock, rollup_minutes_days=1, rollup_days_days=1) as gateway:
        rollup = gateway.rollup
        assert rollup is not None
        for n in range(10):
            gateway.admission.counts.denied("ip_denied", f"prj_{n}", "cus")
        rollup.collect()
        await rollup.write()
        assert await denied_in(gateway, Granularity.DAY) == 10
        clock.advance(3 * 86_400)
        await rollup.write()
        assert await denied_in(gateway, Granularity.MINUTE) == 0
        assert await denied_in(gateway, Granularity.HOUR) == 10
        assert await denied_in(gateway, Granularity.DAY) == 0
    assert max(sizes) == 3


async def denied_in(gateway: Gateway, granularity: Granularity) -> int:
    async with gateway.records.read() as connection:
        span = (0, gateway.clock.now())
        found = await rollups.series(connection, None, granularity, [DENIED], span)
    return sum(each.value for each in found)


async def test_what_is_counted_while_the_store_is_away_has_an_end(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("dream_gateway.rollup.MOST_KEPT", 5)
    store, clock = f"sqlite:///{tmp_path}/dream.db", FakeClock()
    async with started(store, clock) as gateway:
        rollup = gateway.rollup
        assert rollup is not None
        with monkeypatch.context() as broken:
            broken.setattr(gateway.records, "write", Fickle(gateway.records.write, 0))
            for _ in range(4):
                for n in range(4):
                    gateway.admission.counts.denied("ip_denied", f"prj_{n}", "cus")
                rollup.collect()
                with pytest.raises(StoreUnavailableError):
                    await rollup.write()
                clock.advance(60)
        await rollup.write()
        assert await denied_in(gateway, Granularity.DAY) == 5
    assert caplog.text.count("What is counted while the store is away") == 1


class Fickle:
    """Transactions that begin so many times, and then no more."""

    def __init__(self, write: Any, works: int) -> None:
        self._write = write
        self._left = works

    @asynccontextmanager
    async def __call__(self, actor: str) -> AsyncIterator[Any]:
        if self._left == 0:
            raise StoreUnavailableError
        self._left -= 1
        async with self._write(actor) as writer:
            yield writer


async def test_old_spans_go_by_their_granularity(tmp_path: Any) -> None:
    store, clock = f"sqlite:///{tmp_path}/dream.db", FakeClock()
    async with started(store, clock, rollup_minutes_days=1, rollup_days_days=0) as gateway:
        await gateway.admission.key("nobody", 1)
        assert gateway.rollup is not None
        gateway.rollup.collect()
        await gateway.rollup.write()
        clock.advance(3 * 86_400)
        await gateway.rollup.write()
        async with gateway.records.read() as connection:
            found = {
                granularity: len(
                    await rollups.series(connection, None, granularity, [DENIED], (0, clock.now()))
                )
                for granularity in (Granularity.MINUTE, Granularity.HOUR, Granularity.DAY)
            }
            (report,) = await reports.since(connection, clock.now() - 1)
        assert report.report["upstreams"] == []
    assert found == {Granularity.MINUTE: 0, Granularity.HOUR: 1, Granularity.DAY: 1}
    async with open_records(Settings(store=store)) as records, records.read() as connection:
        assert await reports.since(connection, 0) == []

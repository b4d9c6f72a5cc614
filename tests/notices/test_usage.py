"""Usage that passes 80 and 100 %: told once for each customer, period and share, whoever counts."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.notices.conftest import on_both

from dream_gateway import keys
from dream_gateway.administration import Administration
from dream_gateway.gateway import Gateway
from dream_gateway.model import Mode, Overage
from dream_gateway.notices.usage import ROUND_SECONDS, UsageWatch
from dream_gateway.records import message_log, webhook_endpoints
from dream_gateway.records.message_log import Wanted
from dream_gateway.records.webhook_endpoints import Endpoint
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier
from dream_gateway.usage_events import TrackedEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dream_gateway.model import Project
    from dream_gateway.testing import FakeClock


@dataclass
class Field:
    """A project whose developer wants to know, and workers that count."""

    store: str
    folder: Path
    clock: FakeClock
    project: Project
    workers: list[Gateway]
    watches: list[UsageWatch]

    async def spend(self, worker: int, units: int, user: str = "ada") -> int:
        """Charge one unit after another; return how many were admitted."""
        admission, admitted = self.workers[worker].admission, 0
        for _ in range(units):
            verdict = await admission.track(self.project, user, 1, None)
            admitted += verdict.allowed
        return admitted

    async def sweep(self, times: int = 1) -> None:
        """Have each worker do what it does every second, `times` over."""
        for _ in range(times):
            for worker, watch in zip(self.workers, self.watches, strict=True):
                meter = worker._meter
                assert meter is not None
                watch.look(meter.held())
                meter.sweep()
                await meter._dispatcher.settle_all()
            self.clock.advance(1)
            for watch in self.watches:
                await watch.turn()

    async def told(self) -> list[dict[str, Any]]:
        """Return what was told, oldest first."""
        async with self.workers[-1].records.read() as connection:
            found = await message_log.page(connection, self.project.id, Wanted(), None, 1_000)
        return [msgspec.json.decode(each.payload)["data"] for each in found[::-1]]

    async def thresholds(self) -> list[int]:
        return [each["threshold"] for each in await self.told()]


@asynccontextmanager
async def worker(store: str, folder: Path, clock: FakeClock) -> AsyncIterator[Gateway]:
    settings = Settings(store=store, journal_dir=str(folder / "journals"), workers=2)
    gateway = Gateway(settings, clock)
    await gateway.start()
    # Time passes by hand here: what it does by itself must not get in between.
    for task in gateway._tasks[1:]:
        task.cancel()
    try:
        yield gateway
    finally:
        await gateway.close()


@pytest.fixture
async def field(store: str, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Field]:
    async with worker(store, tmp_path, clock) as one, worker(store, tmp_path, clock) as other:
        administration = Administration(one.records)
        tiers = [parse_tier(each) for each in ("free=100/month", "pro=unlimited@10/s")]
        tiers.append(replace(parse_tier("metered=100/month"), overage=Overage(price=1)))
        made = await administration.create_platform("shop", Mode.TEST, tiers, [])
        url = "https://example.com/hooks"
        async with one.records.write("test") as writer:
            await webhook_endpoints.add(
                writer,
                Endpoint(
                    id=keys.mint_id("whe"),
                    project_id=made.project.id,
                    url=url,
                    secret=b"sealed",
                    created_at=writer.now,
                    types=("usage.threshold",),
                ),
            )
        workers = [one, other]
        watches = [UsageWatch(w.records, w.stores.ledger(), clock) for w in workers]
        field = Field(store, tmp_path, clock, made.project, workers, watches)
        for watch in watches:
            await watch.turn()
        yield field


@on_both
async def test_each_share_is_told_once_though_two_workers_count(field: Field) -> None:
    await asyncio.gather(field.spend(0, 39), field.spend(1, 40))
    await field.sweep(8)
    assert await field.thresholds() == []
    await field.spend(1, 1)
    await field.sweep(8)
    (told,) = await field.told()
    assert (told["externalId"], told["threshold"]) == ("ada", 80)
    assert (told["usageCount"], told["limit"], told["remaining"]) == (80, 100, 20)
    assert (told["plan"], told["interval"]) == ("free", "month")
    spent = await asyncio.gather(field.spend(0, 15), field.spend(1, 15))
    assert sum(spent) == 20
    await field.sweep(8)
    assert await field.thresholds() == [80, 100]
    await field.spend(0, 5)
    await field.sweep(3)
    assert await field.thresholds() == [80, 100]


async def test_a_leap_past_both_shares_tells_both(field: Field) -> None:
    await field.spend(0, 100)
    await field.sweep(8)
    assert await field.thresholds() == [80, 100]


async def test_another_period_is_told_anew(field: Field) -> None:
    await field.spend(0, 100)
    await field.sweep(8)
    field.clock.advance(32 * 86_400)
    await field.sweep(2)
    await field.spend(1, 85)
    await field.sweep(8)
    told = await field.told()
    assert [each["threshold"] for each in told] == [80, 100, 80]
    assert told[0]["periodEnd"] <= told[2]["periodStart"]


async def test_each_customer_is_told_of(field: Field) -> None:
    for user in ("ada", "bob"):
        await field.spend(0, 80, user)
    await field.sweep(8)
    assert sorted(each["externalId"] for each in await field.told()) == ["ada", "bob"]


async def test_events_with_keys_are_seen_too(field: Field) -> None:
    event = TrackedEvent("ada", 90, "key", "fingerprint")
    ((verdict, _),) = await field.workers[0].admission.events.record(field.project, [event])
    assert verdict.allowed
    await field.sweep(2)
    assert await field.thresholds() == [80]


async def test_of_what_is_paid_beyond_the_shares_are_of_what_is_included(field: Field) -> None:
    admission = field.workers[0].admission
    for _ in range(120):
        assert (await admission.track(field.project, "ada", 1, "metered")).allowed
    await field.sweep(8)
    told = await field.told()
    assert [(each["threshold"], each["limit"], each["remaining"]) for each in told] == [
        (80, 100, 0),
        (100, 100, 0),
    ]


async def test_what_has_no_limit_is_not_watched(field: Field) -> None:
    for _ in range(10):
        await field.workers[0].admission.track(field.project, "ada", 1, "pro")
    await field.sweep(8)
    assert await field.told() == []


@on_both
async def test_what_a_dead_worker_counted_is_found_by_going_over_all(field: Field) -> None:
    """Nobody looked at its counters, and the customer never comes again."""
    dying = field.workers[0]
    await field.spend(0, 95)
    await dying.close()
    fresh = [UsageWatch(field.workers[1].records, field.workers[1].stores.ledger(), field.clock)]
    fresh += [field.watches[1]]
    for watch in fresh:
        await watch.turn()
    assert await field.thresholds() == []
    await asyncio.gather(*(watch.round() for watch in fresh))
    assert await field.thresholds() == [80]
    field.clock.advance(ROUND_SECONDS)
    await asyncio.gather(*(watch.round() for watch in fresh))
    assert await field.thresholds() == [80]


async def test_where_nobody_wants_to_know_nothing_is_noted(field: Field) -> None:
    watch = UsageWatch(field.workers[0].records, field.workers[0].stores.ledger(), field.clock)
    await field.spend(0, 90)
    meter = field.workers[0]._meter
    assert meter is not None
    # It has not heard of the project yet.
    watch.look(meter.held())
    assert watch._near == {}

"""The meter on the memory ledger: all or nothing, exact at the limit, no store call when warm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from dream_gateway.counter import Counter
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.gcra import Rate
from dream_gateway.journal import Journal
from dream_gateway.lease_policy import MeterOptions
from dream_gateway.memory import open_backend
from dream_gateway.memory.ledger import MemoryLedger
from dream_gateway.meter import Meter
from dream_gateway.storage import Quota, Tally, shard_of
from dream_gateway.testing import FakeClock
from dream_gateway.waiting import Denial

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from dream_gateway.storage import Claim, Event, Grant, Ledger, Recorded, Refund, Return, Void


class Counted:
    """A real ledger whose calls are counted, and which can be taken away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.calls = 0
        self.away = False

    async def identity(self) -> str:
        return await self._ledger.identity()

    async def take(self, claims: Sequence[Claim]) -> list[Grant]:
        self._note()
        return await self._ledger.take(claims)

    async def give_back(self, returns: Sequence[Return]) -> None:
        self._note()
        await self._ledger.give_back(returns)

    async def refund(self, refunds: Sequence[Refund]) -> None:
        self._note()
        await self._ledger.refund(refunds)

    async def record(self, events: Sequence[Event | Void]) -> list[Recorded]:
        self._note()
        return await self._ledger.record(events)

    async def usage(self, counters: Sequence[str]) -> list[Tally]:
        return await self._ledger.usage(counters)

    async def prune(self, before: float, limit: int) -> int:
        return await self._ledger.prune(before, limit)

    def _note(self) -> None:
        self.calls += 1
        if self.away:
            raise StoreUnavailableError


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def ledger(clock: FakeClock) -> AsyncIterator[Counted]:
    backend = open_backend("memory://", clock)
    await backend.start()
    yield Counted(backend.ledger())
    await backend.close()


@pytest.fixture
def meter(ledger: Counted, clock: FakeClock, tmp_path: Path) -> Meter:
    return Meter(ledger, Journal(tmp_path, "ledger", "boot"), clock, MeterOptions())


class InParts(Counted):
    """A ledger of which the part that has some shards can be silent."""

    def __init__(self, ledger: Ledger, silent: set[int]) -> None:
        super().__init__(ledger)
        self._silent = silent
        self.heard = asyncio.Event()

    def part(self, shard: int) -> bool:
        return shard in self._silent

    async def take(self, claims: Sequence[Claim]) -> list[Grant]:
        if any(shard_of(claim.counter) in self._silent for claim in claims):
            await self.heard.wait()
            raise StoreUnavailableError
        return await super().take(claims)


async def test_a_part_that_is_silent_holds_up_no_other(clock: FakeClock, tmp_path: Path) -> None:
    ledger = InParts(MemoryLedger(clock), {shard_of("away/q")})
    meter = Meter(ledger, Journal(tmp_path, "ledger", "boot"), clock, MeterOptions(strict=True))
    away, here = quota(meter, 9, "away/q"), quota(meter, 9, "here/q")
    waiting = asyncio.create_task(meter.spend((away,), 1))
    for _ in range(3):
        assert await meter.spend((here,), 1) is None
        await meter.release((here,))
    assert not waiting.done()
    assert await ledger.usage(["here/q"]) == [Tally(3, 0)]
    ledger.heard.set()
    with pytest.raises(StoreUnavailableError):
        await waiting
    await meter.close()
    assert await ledger.usage(["away/q"]) == [Tally(0, 0)]


def quota(meter: Meter, limit: int | None, key: str = "c/quota") -> Counter:
    return meter.counter(Counter(key, "quota", Quota(limit), None))


async def test_exactly_the_limit_is_admitted_of_many_at_once(meter: Meter, ledger: Counted) -> None:
    counter = quota(meter, 500)
    answers = await asyncio.gather(*(meter.spend((counter,), 7) for _ in range(200)))
    assert answers.count(None) == 71
    await meter.close()
    assert await ledger.usage([counter.key]) == [Tally(497, 0)]


async def test_a_refusal_by_one_limit_consumes_nothing_of_another(
    meter: Meter, ledger: Counted
) -> None:
    wide, narrow = quota(meter, 100, "wide"), quota(meter, 3, "narrow")
    answers = await asyncio.gather(*(meter.spend((wide, narrow), 1) for _ in range(50)))
    assert answers.count(None) == 3
    assert {a.counter.key for a in answers if a is not None} == {"narrow"}
    await meter.close()
    assert await ledger.usage(["wide", "narrow"]) == [Tally(3, 0), Tally(3, 0)]


async def test_a_warm_spend_makes_no_store_call(
    meter: Meter, ledger: Counted, clock: FakeClock
) -> None:
    counter = quota(meter, None)
    while counter.available < 50:
        await meter.spend((counter,), 1)
        await asyncio.sleep(0)
    for _ in range(20):  # The lease asked for ahead arrives.
        await asyncio.sleep(0)
    before, spends = ledger.calls, counter.available - counter.low - 1
    for _ in range(spends):
        assert meter.try_spend((counter,), 1, clock.monotonic())
    await asyncio.sleep(0)
    assert ledger.calls == before


async def test_a_rate_admits_its_burst_and_then_its_pace(meter: Meter, clock: FakeClock) -> None:
    counter = meter.counter(Counter("c/rate", "rate", Rate(10, 1_000_000, 10), None))
    answers = [await meter.spend((counter,), 1) for _ in range(12)]
    assert answers.count(None) == 10
    assert answers[-1] is not None
    assert answers[-1].retry_after == pytest.approx(0.1)
    clock.advance(0.2)
    assert [await meter.spend((counter,), 1) for _ in range(3)].count(None) == 2


async def test_a_store_that_is_away_is_no_denial_and_charges_nothing(
    meter: Meter, ledger: Counted
) -> None:
    counter = quota(meter, 5)
    ledger.away = True
    with pytest.raises(StoreUnavailableError):
        await meter.spend((counter,), 1)
    ledger.away = False
    assert await meter.spend((counter,), 1) is None
    await meter.close()
    assert await ledger.usage([counter.key]) == [Tally(1, 0)]


async def test_idle_units_come_back_and_cost_no_more_calls(
    meter: Meter, ledger: Counted, clock: FakeClock
) -> None:
    counter = quota(meter, 1_000)
    for _ in range(100):
        await meter.spend((counter,), 1)
    meter.sweep()
    clock.advance(1)
    meter.sweep()
    await meter.release(())
    await meter.close()
    assert await ledger.usage([counter.key]) == [Tally(100, 0)]
    before = ledger.calls
    meter.sweep()
    await asyncio.sleep(0)
    assert ledger.calls == before


async def test_a_raised_limit_keeps_the_usage(meter: Meter) -> None:
    counter = quota(meter, 5)
    assert [await meter.spend((counter,), 1) for _ in range(6)].count(None) == 5
    raised = quota(meter, 8)
    assert raised is counter
    assert [await meter.spend((raised,), 1) for _ in range(6)].count(None) == 3


async def test_refunded_units_can_be_spent_again(meter: Meter, ledger: Counted) -> None:
    counter = quota(meter, 3)
    assert [await meter.spend((counter,), 1) for _ in range(3)] == [None] * 3
    meter.refund((counter,), 1)
    assert await meter.spend((counter,), 1) is None
    await meter.close()
    assert await ledger.usage([counter.key]) == [Tally(3, 0)]


async def test_a_refund_goes_to_the_lease_that_is_held(meter: Meter, ledger: Counted) -> None:
    counter = quota(meter, 10)
    assert await meter.spend((counter,), 4) is None
    meter.refund((counter,), 4)
    assert await meter.spend((counter,), 10) is None
    await meter.close()
    assert await ledger.usage([counter.key]) == [Tally(10, 0)]


async def test_a_refund_of_what_is_settled_reaches_the_ledger(
    meter: Meter, ledger: Counted
) -> None:
    counter = quota(meter, 1)
    assert await meter.spend((counter,), 1) is None
    await meter.release((counter,))
    assert isinstance(await meter.spend((counter,), 1), Denial)
    meter.refund((counter,), 1)
    assert await meter.spend((counter,), 1) is None
    await meter.close()
    assert await ledger.usage([counter.key]) == [Tally(1, 0)]


async def test_a_refund_may_be_of_both(meter: Meter, ledger: Counted) -> None:
    counter = quota(meter, 20)
    assert await meter.spend((counter,), 5) is None
    await meter.release((counter,))
    assert await meter.spend((counter,), 2) is None
    meter.refund((counter,), 5)
    await meter.close()
    assert await ledger.usage([counter.key]) == [Tally(2, 0)]


async def test_a_refund_waits_for_a_store_that_is_away(meter: Meter, ledger: Counted) -> None:
    counter = quota(meter, 20)
    assert await meter.spend((counter,), 5) is None
    await meter.release((counter,))
    ledger.away = True
    meter.refund((counter,), 3)
    for _ in range(10):
        await asyncio.sleep(0)
    ledger.away = False
    meter.sweep()
    await meter.close()
    assert await ledger.usage([counter.key]) == [Tally(2, 0)]


async def test_a_caller_that_leaves_as_it_is_admitted_is_not_charged(
    meter: Meter, ledger: Counted
) -> None:
    counter = quota(meter, 20)
    spends = [asyncio.ensure_future(meter.spend((counter,), 1)) for _ in range(8)]
    while not spends[0].done():
        await asyncio.sleep(0)
        for waiting in spends[1:]:
            waiting.cancel()
    outcomes = await asyncio.gather(*spends, return_exceptions=True)
    await meter.close()
    assert await ledger.usage([counter.key]) == [Tally(outcomes.count(None), 0)]


@pytest.mark.parametrize(("strict", "most"), [(True, 2), (False, 4)])
async def test_those_who_wait_together_share_a_claim(
    ledger: Counted, clock: FakeClock, tmp_path: Path, strict: bool, most: int
) -> None:
    options = MeterOptions(strict=strict)
    meter = Meter(ledger, Journal(tmp_path, "ledger", "boot"), clock, options)
    counters = (quota(meter, None, "one"), quota(meter, None, "two"))
    for _ in range(5):
        before = ledger.calls
        answers = await asyncio.gather(*(meter.spend(counters, 1) for _ in range(64)))
        assert answers == [None] * 64
        # One call for both counters, and one to give back what was held; with leases, the next ones
        # are asked for ahead of time.
        assert ledger.calls - before <= most
    await meter.close()
    assert await ledger.usage(["one", "two"]) == [Tally(320, 0)] * 2

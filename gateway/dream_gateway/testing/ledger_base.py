"""The fixtures of the ledger's suite, and short ways to say claims and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.gcra import Rate
from dream_gateway.storage import Charge, Claim, Event, Quota, Return, Tally, Void, shard_of
from dream_gateway.testing.asynchronous import AsyncTests, async_fixture
from dream_gateway.testing.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Grant, Ledger, Recorded

    OpenLedger = Callable[[Clock], AbstractAsyncContextManager[Ledger]]

SECOND_US = 1_000_000


class LedgerFixtures(AsyncTests):
    """What each part of the suite starts from."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Return the clock the ledger is opened with."""
        return FakeClock()

    @pytest.fixture
    def open_ledger(self) -> OpenLedger:
        """Return what opens a ledger on a new, empty store each time it is called."""
        raise NotImplementedError

    @async_fixture
    async def ledger(self, open_ledger: OpenLedger, clock: FakeClock) -> AsyncIterator[Ledger]:
        """Yield an empty ledger."""
        async with open_ledger(clock) as ledger:
            yield ledger


def quota(
    lease: str, wanted: int, limit: int | None, *, at_least: int | None = None, counter: str = "s/q"
) -> Claim:
    """Return a claim on a quota, all or nothing unless `at_least` is given."""
    return Claim(lease, counter, Quota(limit), wanted, wanted if at_least is None else at_least)


def rate(
    lease: str, wanted: int, *, burst: int = 10, per_second: int = 1, at_least: int | None = None
) -> Claim:
    """Return a claim on the rate `s/r`, all or nothing unless `at_least` is given."""
    rule = Rate(per_second, SECOND_US, burst)
    return Claim(lease, "s/r", rule, wanted, wanted if at_least is None else at_least)


def event(
    key: str, cost: int = 1, *charges: Charge, fingerprint: str = "f", scope: str = "s"
) -> Event:
    """Return an event with id `evt-KEY`, on a quota of 10 in its scope unless charges are given."""
    on = charges or (Charge(f"{scope}/q", Quota(10)),)
    return Event(f"evt-{key}", scope, key, fingerprint, "cus", cost, on, 1_800_000_000.0)


def void(
    key: str, of: str, amount: int | None = None, *, fingerprint: str = "f", scope: str = "s"
) -> Void:
    """Return a void with id `void-KEY` of the event with the key `of`."""
    return Void(f"void-{key}", scope, key, fingerprint, f"evt-{of}", amount, 1_800_000_000.0)


async def take_one(ledger: Ledger, claim: Claim) -> Grant:
    """Return the grant of one claim."""
    (grant,) = await ledger.take([claim])
    return grant


async def record_one(ledger: Ledger, item: Event | Void) -> Recorded:
    """Return the answer to one event or void."""
    (answer,) = await ledger.record([item])
    return answer


def back(lease: str, spent: int | None, counter: str = "s/q") -> Return:
    """Return the end of a lease on `counter`; whichever it is of a group is the same."""
    return Return(lease, spent, shard_of(counter))


async def give(ledger: Ledger, lease: str, spent: int | None, counter: str = "s/q") -> None:
    """Close one lease."""
    await ledger.give_back([back(lease, spent, counter)])


async def tally(ledger: Ledger, counter: str = "s/q") -> Tally:
    """Return one counter's tally."""
    (answer,) = await ledger.usage([counter])
    return answer

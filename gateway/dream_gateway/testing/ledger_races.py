"""Races: tasks, threads and processes that all want the last unit."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import threading
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.clock import SystemClock
from dream_gateway.gcra import Rate
from dream_gateway.storage import RATE_LEASE_SPEND_SECONDS, Claim, Quota, Tally
from dream_gateway.testing.ledger_base import SECOND_US, LedgerFixtures, back, event, tally

if TYPE_CHECKING:
    from dream_gateway.storage import Backend, Ledger
    from dream_gateway.testing.clock import FakeClock

RACERS = 4
TASKS = 16
CLAIMS = 25
LIMIT = 700
"""Less than the racers want together, and no multiple of what they take."""


@dataclass(frozen=True)
class Shared:
    """How another process opens the same store; `opener` is `module:function`."""

    opener: str
    url: str

    def open(self) -> Backend:
        """Return the backend, not started."""
        module, _, name = self.opener.partition(":")
        opened: Backend = getattr(import_module(module), name)(self.url, SystemClock())
        return opened


class RaceContract(LedgerFixtures):
    """Override `shared` where `Backend.shareable` is true; else those tests are skipped."""

    @pytest.fixture
    def shared(self) -> Shared | None:
        """Return how others open one new, empty store; `None` if nobody else can."""
        return None

    async def test_tasks_never_pass_the_limit(self, ledger: Ledger) -> None:
        """And the count is exact in the end."""
        spent = await race(ledger, "task")
        assert spent <= LIMIT
        assert await tally(ledger, "s/raced") == Tally(spent, 0)
        assert spent == LIMIT

    async def test_tasks_repeating_a_key_charge_once(self, ledger: Ledger) -> None:
        """The first wins, whoever it is."""
        answers = await asyncio.gather(*(ledger.record([event("k", 3)]) for _ in range(TASKS)))
        outcomes = sorted(answer.outcome.value for (answer,) in answers)
        assert outcomes == ["duplicate"] * (TASKS - 1) + ["recorded"]
        assert await tally(ledger) == Tally(3, 0)

    async def test_in_no_window_is_a_rate_overspent(self, ledger: Ledger, clock: FakeClock) -> None:
        """`burst + rate * w` at most, however late what is on lease is spent."""
        rate = Rate(5, SECOND_US, 12)
        spends = await spend_at_will(ledger, clock, rate, random.Random(7))  # noqa: S311 - a fixed sequence
        assert len(spends) > 3 * rate.burst
        for first, start in enumerate(spends):
            for last in range(first, len(spends)):
                units = last - first + 1
                assert units <= rate.burst + rate.limit * (spends[last] - start) + 1e-9

    async def test_threads_never_pass_the_limit(self, shared: Shared | None) -> None:
        """Each with a loop and a backend of its own."""
        if shared is None:
            pytest.skip("one process at a time may open this store")
        results: list[int] = []

        def run(name: str) -> None:
            results.append(asyncio.run(race_on_its_own(shared, name)))

        threads = [threading.Thread(target=run, args=(f"thread{n}",)) for n in range(RACERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        await check_total(shared, results)

    async def test_processes_never_pass_the_limit(self, shared: Shared | None) -> None:
        """All of them creating the store at once."""
        if shared is None:
            pytest.skip("one process at a time may open this store")
        processes = [await start_racer(shared, f"process{n}") for n in range(RACERS)]
        results = [json.loads((await process.communicate())[0]) for process in processes]
        await check_total(shared, results)


async def race(ledger: Ledger, name: str) -> int:
    """Take and give back by many tasks, spending all or a part; return what was spent."""
    spent = await asyncio.gather(*(run_task(ledger, f"{name}-{n}") for n in range(TASKS)))
    return sum(spent)


async def run_task(ledger: Ledger, name: str) -> int:
    """Take up to 3 units at a time, and spend 2 of 3; at the end only what is left."""
    total = 0
    for number in range(CLAIMS):
        lease = f"{name}-{number}"
        (grant,) = await ledger.take([Claim(lease, "s/raced", Quota(LIMIT), 3, 1)])
        spent = min(grant.granted, 2)
        if grant.granted:
            await ledger.give_back([back(lease, spent)])
        total += spent
    return total


async def race_on_its_own(shared: Shared, name: str) -> int:
    """Open the store, race, and close it."""
    backend = shared.open()
    await backend.start()
    try:
        return await race(backend.ledger(), name)
    finally:
        await backend.close()


async def start_racer(shared: Shared, name: str) -> asyncio.subprocess.Process:
    """Start another process that races and prints what it spent."""
    arguments = ("-m", "dream_gateway.testing.racer", shared.opener, shared.url, name)
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=pipe)


async def check_total(shared: Shared, results: list[int]) -> None:
    """Assert that the racers spent the limit exactly, and that the ledger says so."""
    backend = shared.open()
    await backend.start()
    counted = await tally(backend.ledger(), "s/raced")
    await backend.close()
    assert len(results) == RACERS
    assert sum(results) == LIMIT
    assert counted == Tally(LIMIT, 0)


async def spend_at_will(
    ledger: Ledger, clock: FakeClock, rate: Rate, chance: random.Random
) -> list[float]:
    """Take leases and spend them at odd times; return when each unit was spent, in order."""
    spends: list[float] = []
    held: list[list[Any]] = []
    for number in range(400):
        clock.advance(chance.choice((0.0, 0.001, 0.1, 0.7)))
        claim = Claim(f"w{number}", "s/window", rate, chance.randint(1, 6), 1)
        (grant,) = await ledger.take([claim])
        if grant.granted:
            held.append([claim.lease, grant.granted, 0, clock.monotonic()])
        for lease in held:
            if use(clock.monotonic(), chance, lease):
                spends.append(clock.monotonic())
            elif chance.random() < 0.2 or clock.monotonic() - lease[3] >= RATE_LEASE_SPEND_SECONDS:
                held.remove(lease)
                await ledger.give_back([back(lease[0], lease[2])])
    return spends


def use(now: float, chance: random.Random, lease: list[Any]) -> bool:
    """Spend one unit of a lease now and then, while it may be spent from; tell whether."""
    _, granted, spent, opened = lease
    if chance.random() < 0.3 and spent < granted and now - opened < RATE_LEASE_SPEND_SECONDS:
        lease[2] += 1
        return True
    return False

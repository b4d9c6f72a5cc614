"""What a ledger sees of traffic under leases: `python -m bench.capacity`.

Simulated: workers of the real meter, each with a journal, on one ledger in memory, by a clock that is
moved in steps. Requests go to workers at random, and are of customers whose popularity falls as Zipf's
law says: the one of rank k is asked for 1/k as often as the first. Nothing is measured in real time,
so the numbers are the same on any machine.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from dream_gateway.counter import Counter
from dream_gateway.journal import Journal
from dream_gateway.lease_policy import MeterOptions
from dream_gateway.memory.ledger import MemoryLedger
from dream_gateway.meter import Meter
from dream_gateway.storage import Quota
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dream_gateway.errors import GatewayError
    from dream_gateway.storage import Claim, Grant, Refund, Return
    from dream_gateway.waiting import Denial

STEPS_PER_SECOND = 50
SECONDS = 4
"""How long is counted, after as long again for leases to find their sizes."""

WORKERS_PER_NODE = 4
SEED = 8


@dataclass(frozen=True, slots=True)
class Load:
    """Requests a second over all nodes, of so many customers."""

    nodes: int
    rate: int
    customers: int
    strict: bool = False
    by_key: bool = False
    """Whether the balancer sends each customer's requests to one node."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the ledger saw in a second, and the share of requests that did not wait for it."""

    load: Load
    claims: float
    returns: float
    warm: float

    @property
    def requests_per_claim(self) -> float:
        """How many requests one claim on the ledger stood for."""
        return self.load.rate / self.claims


class Counting(MemoryLedger):
    """A ledger that counts what is asked of it."""

    claims = returns = 0

    async def take(self, claims: Sequence[Claim]) -> list[Grant]:
        self.claims += len(claims)
        return await super().take(claims)

    async def give_back(self, returns: Sequence[Return]) -> None:
        self.returns += len(returns)
        await super().give_back(returns)

    async def refund(self, refunds: Sequence[Refund]) -> None:
        raise AssertionError(f"nothing fails here, and {len(refunds)} are refunded")


class Waiting:
    """Those requests that wait for a lease."""

    def __init__(self) -> None:
        self.now = self.ever = 0

    def charged(self) -> None:
        self.now -= 1

    def denied(self, denial: Denial) -> None:
        raise AssertionError(f"{denial.counter.key} has no limit")

    def failed(self, error: GatewayError) -> None:
        raise error


class Fleet:
    """The workers of all nodes."""

    def __init__(self, load: Load, folder: Path) -> None:
        self._load = load
        self._clock = FakeClock()
        self.ledger = Counting(self._clock)
        options = MeterOptions(workers=WORKERS_PER_NODE, strict=load.strict)
        self._journals = [
            Journal(folder, "bench", "bench") for _ in range(load.nodes * WORKERS_PER_NODE)
        ]
        self._meters = [Meter(self.ledger, each, self._clock, options) for each in self._journals]
        self._held: list[dict[int, Counter]] = [{} for _ in self._meters]
        self._weights = list(accumulate(1 / rank for rank in range(1, load.customers + 1)))
        self._random = random.Random(SEED)  # noqa: S311 - a simulation, the same each time
        self.waiting = Waiting()

    async def run(self, seconds: int) -> int:
        """Let time pass; return how many requests came."""
        each = self._load.rate // STEPS_PER_SECOND
        for step in range(seconds * STEPS_PER_SECOND):
            self._ask(each)
            await self._settle()
            self._clock.advance(1 / STEPS_PER_SECOND)
            if step % STEPS_PER_SECOND == 0:
                for meter in self._meters:
                    meter.sweep()
                await self._settle()
        return seconds * STEPS_PER_SECOND * each

    async def close(self) -> int:
        """Give all leases back; return the units that the ledger has counted."""
        for meter, journal in zip(self._meters, self._journals, strict=True):
            await meter.close()
            journal.close()
        keys = [f"project:{customer}" for customer in range(self._load.customers)]
        return sum(tally.used for tally in await self.ledger.usage(keys))

    def _ask(self, number: int) -> None:
        now, customers = self._clock.monotonic(), range(self._load.customers)
        for customer in self._random.choices(customers, cum_weights=self._weights, k=number):
            at = self._worker(customer)
            meter, held = self._meters[at], self._held[at]
            counter = held.get(customer)
            if counter is None:
                key = f"project:{customer}"
                counter = held[customer] = meter.counter(Counter(key, "a", Quota(None), None))
            if not meter.try_spend((counter,), 1, now):
                self.waiting.now += 1
                self.waiting.ever += 1
                meter.enqueue((counter,), 1, self.waiting)

    def _worker(self, customer: int) -> int:
        """Return whom a request goes to; within a node the kernel chooses."""
        if not self._load.by_key:
            return self._random.randrange(len(self._meters))
        node = customer % self._load.nodes
        return node * WORKERS_PER_NODE + self._random.randrange(WORKERS_PER_NODE)

    async def _settle(self) -> None:
        """Let the ledger answer whoever asked, in this very moment."""
        for _ in range(8):
            await asyncio.sleep(0)
        while self.waiting.now:  # noqa: ASYNC110 - the loop itself is what is waited for
            await asyncio.sleep(0)


async def simulate(load: Load, seconds: int = SECONDS) -> Seen:
    """Return what the ledger sees of a load once leases have their sizes."""
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(load, Path(folder))
        before = await fleet.run(seconds)
        ledger, waited = fleet.ledger, fleet.waiting.ever
        claims, returns = ledger.claims, ledger.returns
        asked = await fleet.run(seconds)
        claims, returns = ledger.claims - claims, ledger.returns - returns
        warm = 1 - (fleet.waiting.ever - waited) / asked
        counted = await fleet.close()
    if counted != before + asked:
        raise AssertionError(f"{before + asked} were admitted, and {counted} counted")
    return Seen(load, claims / seconds, returns / seconds, warm)


def loads() -> Iterator[Load]:
    """Yield the loads of the table: rate, customers and nodes grow in turn; then strict, and a fleet."""
    for rate in (1_000, 10_000, 100_000):
        yield Load(1, rate, 10_000)
    for customers in (100, 1_000, 100_000):
        yield Load(1, 10_000, customers)
    for nodes in (4, 16):
        yield Load(nodes, 10_000, 10_000)
    yield Load(16, 10_000, 10_000, by_key=True)
    yield Load(4, 10_000, 10_000, strict=True)
    yield Load(12, 100_000, 100_000, by_key=True)
    for customers in (10_000, 100_000, 1_000_000):
        yield Load(12, 1_000_000, customers, by_key=True)


def row(seen: Seen) -> str:
    """Return a row of the table."""
    load = seen.load
    leases = "strict" if load.strict else "leases, by key" if load.by_key else "leases"
    cells = [
        f"{load.nodes}", f"{load.rate:,}", f"{load.customers:,}", leases, f"{seen.claims:,.0f}",
        f"{seen.returns:,.0f}", f"{seen.requests_per_claim:.1f}", f"{seen.warm:.1%}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


HEAD = """\
| nodes | requests/s | customers | mode | claims/s | returns/s | requests per claim | warm |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="simulated, for each row")
    asked = parser.parse_args(arguments)
    sys.stdout.write(HEAD + "\n")
    for load in loads():
        sys.stdout.write(row(asyncio.run(simulate(load, asked.seconds))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

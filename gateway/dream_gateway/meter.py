"""The meter: admits costs against several counters at once, from leases held in memory.

A worker takes blocks of units from the ledger durably first and spends them synchronously on the
event loop, so a cost is charged to all of its counters or to none, and an admitted unit is counted
before anybody hears of it. See `docs/metering.md` for the promise, and why this keeps it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from dream_gateway import metrics
from dream_gateway.counter import NEVER, Counter, Lease
from dream_gateway.errors import GatewayError, ShuttingDownError, StoreUnavailableError
from dream_gateway.lanes import Lanes
from dream_gateway.ledger_calls import LedgerCall, LedgerCalls
from dream_gateway.storage import (
    RATE_LEASE_SPEND_SECONDS,
    Claim,
    Quota,
    Refund,
    Return,
    shard_of,
)
from dream_gateway.waiting import Awaited, Denial, Pending

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.counter import Owner
    from dream_gateway.journal import Journal
    from dream_gateway.lanes import Lane
    from dream_gateway.metrics import Readings
    from dream_gateway.storage import Grant, Ledger, Tally
    from dream_gateway.waiting import Waiter

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MeterOptions:
    """How big leases are, and for how long they are held. Times are seconds."""

    seconds: float = 1.0
    share: float = 0.25
    most: int = 100_000
    idle: float = 1.0
    age: float = 5.0
    deny_ttl: float = 1.0
    workers: int = 1
    strict: bool = False


class Meter:
    """Spends from leases, and keeps them coming. Used from one event loop."""

    def __init__(
        self, ledger: Ledger, journal: Journal, clock: Clock, options: MeterOptions
    ) -> None:
        self._ledger = ledger
        self._journal = journal
        self._cells = journal.cells
        self._monotonic = clock.monotonic
        self._options = options
        self._counters: WeakValueDictionary[str, Counter] = WeakValueDictionary()
        self._held: set[Counter] = set()
        self._admitted: dict[Owner, int] = {}
        self._lanes = Lanes(ledger)
        self._refunded = 0
        self.ledger_calls = LedgerCalls()
        """What the calls of the ledger take."""
        self._closed = False

    def counter(self, template: Counter) -> Counter:
        """Return this worker's handle for the counter, under the rule of `template`.

        A changed limit ends the leases taken under the old one.
        """
        counter = self._counters.setdefault(template.key, template)
        counter.included = template.included
        if counter.rule != template.rule:
            if _limits_differ(counter, template):
                self._release(counter)
            counter.rule = template.rule
            counter.denied_until = -NEVER
        if counter.owner != template.owner:
            self._note(counter)
            counter.owner = template.owner
        return counter

    def known(self, key: str) -> Counter | None:
        """Return this worker's handle for a counter as it is, if there is one."""
        return self._counters.get(key)

    def try_spend(self, counters: Sequence[Counter], cost: int, now: float) -> bool:
        """Charge `cost` to all counters from leases in hand, or change nothing. Never blocks.

        `now` is monotonic seconds, read lately: leases end long before their time is up.
        """
        if cost == 0:
            return True
        for counter in counters:
            if counter.available < cost or now >= counter.expires:
                return False
        cells = self._cells
        for counter in counters:
            left = counter.available = counter.available - cost
            spent = counter.spent = counter.spent + cost
            cells[counter.cell] = spent
            if left <= counter.low:
                self._renew(counter)
        return True

    async def spend(self, counters: Sequence[Counter], cost: int) -> Denial | None:
        """Charge `cost` to all counters, or say which denies it and change nothing.

        Raises `StoreUnavailableError` if the ledger is needed and away.
        """
        if cost == 0 or self.try_spend(counters, cost, self._monotonic()):
            return None
        pending = Awaited(counters, cost, asyncio.get_running_loop())
        self._start(pending)
        try:
            return await pending.future
        except asyncio.CancelledError:
            if pending.is_charged():
                # Admitted in the very moment the caller went away: nobody heard of it.
                self.refund(counters, cost)
            raise

    def enqueue(self, counters: Sequence[Counter], cost: int, waiter: Waiter) -> Pending:
        """Have `cost`, at least 1, charged to all counters once there are leases. Never blocks.

        Raises `ShuttingDownError`; everything else the waiter is told.
        """
        pending = Pending(counters, cost, waiter)
        self._start(pending)
        return pending

    def _start(self, pending: Pending) -> None:
        if self._closed:
            raise ShuttingDownError
        self._advance(pending)

    def refund(self, counters: Sequence[Counter], cost: int) -> None:
        """Take back a charge: on the counters' present leases, and for the rest in the ledger.

        What was settled meanwhile is refunded there soon; if this process dies before, it stays
        counted. A rate's settled units stay spent. Never blocks.
        """
        for counter in counters:
            lease, back = counter.lease, 0
            if lease is not None:
                back = min(cost, counter.spent)
                counter.spent -= back
                counter.noted -= back  # It was admitted all the same.
                counter.available += back
                self._cells[counter.cell] = counter.spent
            if back < cost and isinstance(counter.rule, Quota):
                self._refunded += 1
                name = f"{self._journal.worker}-refund-{self._refunded:x}"
                lane = self._lanes.of(shard_of(counter.key))
                lane.refunds.append(Refund(name, counter.key, cost - back))
                counter.total -= cost - back
                self._begin_flush(lane)
            counter.denied_until = -NEVER

    def admitted(self) -> dict[Owner, int]:
        """Return the units that were admitted since the last time, by whose they are.

        What was spent since the last sweep is told the next time, and what events charged is not.
        """
        admitted, self._admitted = self._admitted, {}
        return admitted

    def held(self) -> Collection[Counter]:
        """Return the counters that were charged lately, until the sweep after their last lease."""
        return self._held

    def measure(self) -> Readings:
        """Return what is on lease, what waits to go back, and what the ledger's calls took."""
        returns = sum(len(lane.returns) for lane in self._lanes.all())
        return {
            metrics.LEASES.name: {(): sum(counter.lease is not None for counter in self._held)},
            metrics.LEASED.name: {(): sum(counter.unspent() for counter in self._held)},
            metrics.RETURNS.name: {(): returns},
            **self.ledger_calls.measure(),
        }

    def observe(self, counters: Sequence[Counter], tallies: Sequence[Tally]) -> None:
        """Take note of what the ledger said after charging quotas without a lease."""
        for counter, tally in zip(counters, tallies, strict=False):
            if isinstance(counter.rule, Quota):
                counter.observe(tally)
                self._held.add(counter)

    async def release(self, counters: Sequence[Counter]) -> None:
        """Give the counters' leases back now, so that the ledger alone has all the units."""
        for counter in counters:
            self._release(counter)
        lanes = {self._lanes.of(shard_of(counter.key)) for counter in counters}
        await self._settled([lane for lane in lanes if lane.returns])

    def sweep(self) -> None:
        """Give back what lies idle or is held too long. To be called every `idle` seconds."""
        now = self._monotonic()
        for counter in list(self._held):
            if counter.lease is not None:
                idle = counter.spent == counter.seen_spent
                counter.seen_spent = counter.spent
                self._note(counter)
                if idle or now - counter.lease.opened > self._options.age:
                    self._release(counter)
            if counter.lease is None:
                self._held.discard(counter)
        for lane in self._lanes.all():
            self._begin_flush(lane)

    async def close(self) -> None:
        """Give every lease back; what the ledger will not take now stays in the journal."""
        self._closed = True
        await self._settled(self._lanes.all())
        for counter in self._held:
            self._release(counter)
        await self._settled(self._lanes.all())

    def _advance(self, pending: Pending, refusing: Container[Counter] = ()) -> None:
        """Spend if every counter can; otherwise wait for those that cannot, or learn the denial.

        `refusing` are counters of which the ledger has just said that it has not enough for all.
        """
        now, cost = self._monotonic(), pending.cost
        short = [c for c in pending.counters if not self._ready(c, cost, now)]
        if not short:
            self.try_spend(pending.counters, cost, now)
            pending.charge()
            return
        for counter in short:
            if counter in refusing or counter.denies(cost, now):
                wait = None if counter.retry_at is None else max(0.0, counter.retry_at - now)
                pending.deny(Denial(counter, wait))
                return
        for counter in short:
            counter.waiters[pending] = None
            self._ask(counter)

    def _ready(self, counter: Counter, cost: int, now: float) -> bool:
        if counter.available >= cost and now < counter.expires:
            return True
        if counter.reserve is not None:
            self._switch(counter)
        return counter.available >= cost and now < counter.expires

    def _switch(self, counter: Counter) -> None:
        """Put the lease in reserve in the place of the one in use."""
        lease = counter.take_reserve()
        self._give_back(counter)
        if lease is not None:
            counter.adopt(lease, self._expiry(counter, lease))

    def _renew(self, counter: Counter) -> None:
        """Ask for the next lease before this one is empty."""
        if counter.asking or counter.reserve is not None or self._closed or self._options.strict:
            return
        if not counter.denies(1, self._monotonic()):
            self._ask(counter, ahead=True)

    def _ask(self, counter: Counter, *, ahead: bool = False) -> None:
        """Have a claim made in the next flush, unless one is under way.

        What it is for is only counted then, so that all who came together share one claim.
        """
        if not counter.asking:
            counter.asking = True
            lane = self._lanes.of(shard_of(counter.key))
            lane.asked.append((counter, ahead))
            self._begin_flush(lane)

    def _make_claims(self, lane: Lane) -> list[tuple[Claim, Counter, Lease]]:
        asked, lane.asked = lane.asked, []
        claims = []
        for counter, ahead in asked:
            costs = [pending.cost for pending in counter.waiters if not pending.is_over()]
            wanted, at_least = max(1, self._wanted(counter, 1)), 1
            if costs:
                self._give_back(counter)
                wanted, at_least = self._wanted(counter, sum(costs), costs[0]), min(costs)
            if costs or ahead:
                claims += self._claim(counter, wanted, at_least)
            else:
                counter.asking = False
        return claims

    def _wanted(self, counter: Counter, need: int, unit: int = 1) -> int:
        """Return how much to take: about the traffic of the lease time, in whole requests."""
        if self._options.strict:
            return need
        size = min(counter.size, self._options.most)
        if counter.room is not None:
            size = min(size, int(counter.room * self._options.share / self._options.workers))
        return max(need, size - size % unit)

    def _claim(
        self, counter: Counter, wanted: int, at_least: int
    ) -> list[tuple[Claim, Counter, Lease]]:
        """Return a claim noted in the journal, or none if that has no room."""
        shard = shard_of(counter.key)
        try:
            number, slot = self._journal.open(shard)
        except StoreUnavailableError as exc:
            counter.asking = False
            self._fail(counter, exc)
            return []
        claim = Claim(number, counter.key, counter.rule, wanted, at_least)
        return [(claim, counter, Lease(number, slot, shard, 0, self._monotonic()))]

    def _release(self, counter: Counter) -> None:
        self._give_back(counter)
        if counter.reserve is not None:
            self._switch(counter)
            self._give_back(counter)

    def _note(self, counter: Counter) -> None:
        """Note what was spent since the last time as its owner's."""
        spent = counter.spent - counter.noted
        if spent and counter.owner is not None:
            self._admitted[counter.owner] = self._admitted.get(counter.owner, 0) + spent
        counter.noted = counter.spent

    def _give_back(self, counter: Counter) -> None:
        self._note(counter)
        dropped = counter.drop()
        if dropped is not None:
            self._return(*dropped)

    def _return(self, lease: Lease, spent: int) -> None:
        lane = self._lanes.of(lease.shard)
        lane.returns.append((Return(lease.id, spent, lease.shard), lease.slot))
        self._begin_flush(lane)

    def _begin_flush(self, lane: Lane) -> None:
        if lane.flushing is None and not lane.is_empty():
            lane.flushing = asyncio.get_running_loop().create_task(self._flush(lane))

    async def _settled(self, lanes: Sequence[Lane]) -> None:
        for lane in lanes:
            self._begin_flush(lane)
        tasks = [lane.flushing for lane in lanes if lane.flushing is not None]
        if tasks:
            await asyncio.shield(asyncio.gather(*tasks))

    async def _flush(self, lane: Lane) -> None:
        """Send what has come together, again and again until there is nothing; one at a time."""
        try:
            while not lane.is_empty():
                claims = self._make_claims(lane)
                returns, lane.returns = lane.returns, []
                refunds, lane.refunds = lane.refunds, []
                # What is given back goes first: what it frees may be what the claims need.
                back, paid, _ = await asyncio.gather(
                    self._send_returns(lane, returns),
                    self._send_refunds(lane, refunds),
                    self._send(claims),
                )
                if not (back and paid):
                    break  # The sweep tries them again.
        finally:
            lane.flushing = None

    async def _send_returns(self, lane: Lane, returns: list[tuple[Return, int]]) -> bool:
        if not returns:
            return True
        try:
            with self._noted(LedgerCall.GIVE_BACK, len(returns)):
                await self._ledger.give_back([each for each, _ in returns])
        except GatewayError as exc:
            logger.warning("Leases could not be given back yet: %s", exc.code)
            lane.returns.extend(returns)
            return False
        for _, slot in returns:
            self._journal.free(slot)
        return True

    async def _send_refunds(self, lane: Lane, refunds: list[Refund]) -> bool:
        if not refunds:
            return True
        try:
            with self._noted(LedgerCall.REFUND, len(refunds)):
                await self._ledger.refund(refunds)
        except GatewayError as exc:
            logger.warning("Units could not be refunded yet: %s", exc.code)
            lane.refunds.extend(refunds)
            return False
        return True

    @contextmanager
    def _noted(self, operation: LedgerCall, size: int) -> Iterator[None]:
        """Note what a call of the ledger takes."""
        began = self._monotonic()
        try:
            yield
        except GatewayError:
            self.ledger_calls.failed(operation)
            raise
        self.ledger_calls.done(operation, size, self._monotonic() - began)

    async def _send(self, claims: list[tuple[Claim, Counter, Lease]]) -> None:
        if not claims:
            return
        try:
            with self._noted(LedgerCall.TAKE, len(claims)):
                grants = await self._ledger.take([claim for claim, _, _ in claims])
        except GatewayError as exc:
            for _, counter, lease in claims:
                # It may have been granted all the same: closing it is right either way.
                self._return(lease, 0)
                counter.asking = False
                self._fail(counter, exc)
            return
        waiting: dict[Pending, None] = {}
        refusing: set[Counter] = set()
        for (claim, counter, lease), grant in zip(claims, grants, strict=True):
            self._granted(claim, counter, lease, grant)
            if grant.granted < claim.wanted:
                refusing.add(counter)
            waiting.update(counter.waiters)
            counter.waiters = {}
        # In the order in which they came; those that the ledger had not enough for are denied.
        for pending in waiting:
            if not pending.is_over():
                self._advance(pending, refusing)

    def _granted(self, claim: Claim, counter: Counter, lease: Lease, grant: Grant) -> None:
        counter.asking = False
        counter.heard(grant)
        if grant.granted:
            lease.granted = grant.granted
            self.ledger_calls.leases.observe(grant.granted)
            self._held.add(counter)
            self._resize(counter, lease)
            self._hold(counter, lease, claim)
        else:
            self._journal.free(lease.slot)
        if grant.granted < claim.wanted:
            self._remember_denial(counter, grant)

    def _hold(self, counter: Counter, lease: Lease, claim: Claim) -> None:
        if counter.rule != claim.rule and isinstance(counter.rule, Quota):
            self._return(lease, 0)
            counter.total -= lease.granted
        elif counter.available > 0 and not counter.waiters:
            counter.put_by(lease)
        else:
            self._give_back(counter)
            # The lease dropped was part of the total only until now.
            counter.adopt(lease, self._expiry(counter, lease))

    def _resize(self, counter: Counter, lease: Lease) -> None:
        """Double the next lease while they last less than the lease time, halve it when longer."""
        now = self._monotonic()
        previous, counter.granted_at = counter.granted_at, lease.opened
        if now - previous < self._options.seconds:
            counter.size = min(self._options.most, max(counter.size, lease.granted) * 2)
        else:
            counter.size = max(1, counter.size // 2)

    def _remember_denial(self, counter: Counter, grant: Grant) -> None:
        now = self._monotonic()
        counter.denied_cost = counter.available + (grant.remaining or 0) + 1
        if isinstance(counter.rule, Quota):
            others = grant.out - counter.available
            # While others hold units that may come back, each request asks again.
            ttl = self._options.deny_ttl if others <= 0 else 0.0
            counter.retry_at = None
        else:
            ttl = min(grant.retry_after or 0.0, self._options.deny_ttl)
            counter.retry_at = None if grant.retry_after is None else now + grant.retry_after
        counter.denied_until = now + ttl

    def _fail(self, counter: Counter, exc: GatewayError) -> None:
        waiting, counter.waiters = counter.waiters, {}
        for pending in waiting:
            if not pending.is_over():
                pending.fail(exc)

    def _expiry(self, counter: Counter, lease: Lease) -> float:
        if isinstance(counter.rule, Quota):
            return NEVER
        return lease.opened + RATE_LEASE_SPEND_SECONDS


def _limits_differ(counter: Counter, other: Counter) -> bool:
    if isinstance(counter.rule, Quota) and isinstance(other.rule, Quota):
        return counter.rule.limit != other.rule.limit
    return True

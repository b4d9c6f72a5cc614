"""The meter: admits costs against several counters at once, from leases held in memory.

A worker takes blocks of units from the ledger durably first and spends them synchronously on the
event loop, so a cost is charged to all of its counters or to none, and an admitted unit is counted
before anybody hears of it. See `docs/metering.md` for the promise, and why this keeps it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from dream_gateway import metrics
from dream_gateway.counter import NEVER, Counter, Lease
from dream_gateway.errors import ShuttingDownError, StoreUnavailableError
from dream_gateway.lease_policy import expiry, limits_differ, remember_denial, resize, wanted
from dream_gateway.ledger_dispatch import Dispatcher
from dream_gateway.storage import Claim, Quota, shard_of
from dream_gateway.waiting import Awaited, Denial, Pending

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.counter import Owner
    from dream_gateway.errors import GatewayError
    from dream_gateway.journal import Journal
    from dream_gateway.lease_policy import MeterOptions
    from dream_gateway.ledger_dispatch import Claims
    from dream_gateway.metrics import Readings
    from dream_gateway.storage import Grant, Ledger, Tally
    from dream_gateway.waiting import Waiter


class Meter:
    """Spends from leases, and keeps them coming. Used from one event loop."""

    def __init__(
        self, ledger: Ledger, journal: Journal, clock: Clock, options: MeterOptions
    ) -> None:
        self._journal = journal
        self._cells = journal.cells
        self._monotonic = clock.monotonic
        self._options = options
        self._counters: WeakValueDictionary[str, Counter] = WeakValueDictionary()
        self._held: set[Counter] = set()
        self._admitted: dict[Owner, int] = {}
        self._dispatcher = Dispatcher(
            ledger,
            journal,
            clock,
            make=self._make_claims,
            granted=self._hear,
            failed=self._claims_failed,
        )
        self._closed = False

    def counter(self, template: Counter) -> Counter:
        """Return this worker's handle for the counter, under the rule of `template`.

        A changed limit ends the leases taken under the old one.
        """
        counter = self._counters.setdefault(template.key, template)
        counter.included = template.included
        if counter.rule != template.rule:
            if limits_differ(counter, template):
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
                self._dispatcher.refund(counter, cost - back)
                counter.total -= cost - back
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
        return {
            metrics.LEASES.name: {(): sum(counter.lease is not None for counter in self._held)},
            metrics.LEASED.name: {(): sum(counter.unspent() for counter in self._held)},
            metrics.RETURNS.name: {(): self._dispatcher.returns()},
            **self._dispatcher.calls.measure(),
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
        await self._dispatcher.settle(counters)

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
        self._dispatcher.flush()

    async def close(self) -> None:
        """Give every lease back; what the ledger will not take now stays in the journal."""
        self._closed = True
        await self._dispatcher.settle_all()
        for counter in self._held:
            self._release(counter)
        await self._dispatcher.settle_all()

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
            counter.adopt(lease, expiry(counter, lease))

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
            self._dispatcher.ask(counter, ahead=ahead)

    def _make_claims(self, asked: Sequence[tuple[Counter, bool]]) -> Claims:
        claims, options = [], self._options
        for counter, ahead in asked:
            costs = [pending.cost for pending in counter.waiters if not pending.is_over()]
            units, at_least = max(1, wanted(counter, options, 1)), 1
            if costs:
                self._give_back(counter)
                units, at_least = wanted(counter, options, sum(costs), costs[0]), min(costs)
            if costs or ahead:
                claims += self._claim(counter, units, at_least)
            else:
                counter.asking = False
        return claims

    def _claim(self, counter: Counter, units: int, at_least: int) -> Claims:
        """Return a claim noted in the journal, or none if that has no room."""
        shard = shard_of(counter.key)
        try:
            number, slot = self._journal.open(shard)
        except StoreUnavailableError as exc:
            counter.asking = False
            self._fail(counter, exc)
            return []
        claim = Claim(number, counter.key, counter.rule, units, at_least)
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
            self._dispatcher.give_back(*dropped)

    def _claims_failed(self, claims: Claims, exc: GatewayError) -> None:
        for _, counter, lease in claims:
            # It may have been granted all the same: closing it is right either way.
            self._dispatcher.give_back(lease, 0)
            counter.asking = False
            self._fail(counter, exc)

    def _hear(self, claims: Claims, grants: Sequence[Grant]) -> None:
        """Take what was granted, and decide for those who waited for it."""
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
            self._dispatcher.calls.leases.observe(grant.granted)
            self._held.add(counter)
            resize(counter, self._options, lease, self._monotonic())
            self._hold(counter, lease, claim)
        else:
            self._journal.free(lease.slot)
        if grant.granted < claim.wanted:
            remember_denial(counter, self._options, grant, self._monotonic())

    def _hold(self, counter: Counter, lease: Lease, claim: Claim) -> None:
        if counter.rule != claim.rule and isinstance(counter.rule, Quota):
            self._dispatcher.give_back(lease, 0)
            counter.total -= lease.granted
        elif counter.available > 0 and not counter.waiters:
            counter.put_by(lease)
        else:
            self._give_back(counter)
            # The lease dropped was part of the total only until now.
            counter.adopt(lease, expiry(counter, lease))

    def _fail(self, counter: Counter, exc: GatewayError) -> None:
        waiting, counter.waiters = counter.waiters, {}
        for pending in waiting:
            if not pending.is_over():
                pending.fail(exc)

"""The ledger in dictionaries: every verb runs without a pause, so it is atomic by itself."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dream_gateway import gcra
from dream_gateway.errors import InvalidRequestError
from dream_gateway.memory.events import MemoryEvents
from dream_gateway.storage import RATE_LEASE_SETTLE_SECONDS, Event, Grant, Quota, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.storage import Claim, Recorded, Refund, Return, Void

MICROSECONDS = 1_000_000
SETTLE_US = int(RATE_LEASE_SETTLE_SECONDS * MICROSECONDS)
CLOSED_LEASES_KEPT_US = 3600 * MICROSECONDS


@dataclass(slots=True)
class Lease:
    """What a lease id stands for; `closed_us` is `None` while it is open."""

    counter: str
    granted: int
    opened_us: int
    closed_us: int | None = None


@dataclass(slots=True)
class Counter:
    """A quota's units."""

    used: int = 0
    out: int = 0
    period_end: int | None = None

    def room(self, rule: Quota) -> int | None:
        """Return what can still be taken; `None`: no end of it."""
        return None if rule.limit is None else max(0, rule.limit - self.used - self.out)


@dataclass(slots=True)
class RateBucket:
    """A rate's state, the rule last applied, and its open leases."""

    rate: gcra.Rate
    state: gcra.Bucket
    open: dict[str, Lease] = field(default_factory=dict)


class MemoryLedger:
    """Usage counters, leases and idempotent events of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._identity = secrets.token_hex(16)
        self._counters: dict[str, Counter] = {}
        self._buckets: dict[str, RateBucket] = {}
        self._leases: dict[str, Lease] = {}
        self._events = MemoryEvents(self)

    async def identity(self) -> str:
        """Return the name made with this object."""
        return self._identity

    async def take(self, claims: Sequence[Claim]) -> list[Grant]:
        """Grant each claim what fits."""
        if not all(1 <= claim.at_least <= claim.wanted for claim in claims):
            raise InvalidRequestError("A claim needs 1 <= at_least <= wanted.")
        return [self._take(claim) for claim in claims]

    async def give_back(self, returns: Sequence[Return]) -> None:
        """Close leases, crediting what was not spent."""
        if any(item.spent is not None and item.spent < 0 for item in returns):
            raise InvalidRequestError("A lease cannot be spent by less than nothing.")
        for item in returns:
            self._give_back(item)

    async def refund(self, refunds: Sequence[Refund]) -> None:
        """Take units of quotas back."""
        if any(item.units < 0 for item in refunds):
            raise InvalidRequestError("A refund cannot be of less than nothing.")
        for item in refunds:
            if item.id not in self._leases:
                now_us = self.now_us()
                self._leases[item.id] = Lease("", 0, now_us, now_us)
                counter = self._counters.get(item.counter)
                if counter is not None:
                    counter.used = max(0, counter.used - item.units)

    async def record(self, events: Sequence[Event | Void]) -> list[Recorded]:
        """Charge each event on all its counters, or on none."""
        amounts = [event.cost if isinstance(event, Event) else event.amount for event in events]
        if any(amount is not None and amount < 0 for amount in amounts):
            raise InvalidRequestError("The cost of an event cannot be negative.")
        return [self._events.record(event) for event in events]

    async def usage(self, counters: Sequence[str]) -> list[Tally]:
        """Return each counter's tally."""
        return [self.tally(key) for key in counters]

    async def prune(self, before: float, limit: int) -> int:
        """Delete history, a bounded number of rows."""
        for key in list(self._buckets):
            self.known_bucket(key)
        return sum(1 for _ in zip(range(limit), self._history(before), strict=False))

    def _history(self, before: float) -> Iterator[None]:
        """Delete one row of history at each step."""
        for key, counter in list(self._counters.items()):
            if counter.period_end is not None and counter.period_end < before and not counter.out:
                del self._counters[key]
                yield
        yield from self._events.history(before)
        horizon = self.now_us() - CLOSED_LEASES_KEPT_US
        for id_, lease in list(self._leases.items()):
            if lease.closed_us is not None and lease.closed_us < horizon:
                del self._leases[id_]
                yield

    def now_us(self) -> int:
        """Return the ledger's own clock in whole microseconds."""
        return int(self._clock.monotonic() * MICROSECONDS)

    def tally(self, key: str) -> Tally:
        """Return a counter's units; a rate's `used` is its debt beside the leases."""
        counter = self._counters.get(key)
        if counter is not None:
            return Tally(counter.used, counter.out)
        bucket = self.known_bucket(key)
        if bucket is None:
            return Tally()
        left = gcra.remaining(bucket.rate, bucket.state, self.now_us())
        return Tally(max(0, bucket.rate.burst - left - bucket.state.out), bucket.state.out)

    def _take(self, claim: Claim) -> Grant:
        lease = self._leases.get(claim.lease)
        repeat = None
        if lease is not None:
            repeat = lease.granted if lease.closed_us is None else 0
        if isinstance(claim.rule, Quota):
            return self._take_quota(claim, claim.rule, repeat)
        return self._take_rate(claim, claim.rule, repeat)

    def _take_quota(self, claim: Claim, rule: Quota, repeat: int | None) -> Grant:
        counter = self._counters.get(claim.counter, Counter())
        granted = repeat
        if granted is None:
            room = counter.room(rule)
            fits = claim.wanted if room is None else min(claim.wanted, room)
            granted = fits if fits >= claim.at_least else 0
            if granted:
                counter.out += granted
                counter.period_end = rule.period_end
                self._counters[claim.counter] = counter
                self._leases[claim.lease] = Lease(claim.counter, granted, self.now_us())
        return Grant(claim.lease, granted, counter.used, counter.out, counter.room(rule))

    def _take_rate(self, claim: Claim, rate: gcra.Rate, repeat: int | None) -> Grant:
        now_us = self.now_us()
        bucket = self._bucket(claim.counter, rate)
        if claim.lease in self._leases and repeat:
            # Looking at the bucket may have settled this very lease.
            repeat = repeat if claim.lease in bucket.open else 0
        granted, wait = repeat, None
        if granted is None:
            took = gcra.take(rate, bucket.state, now_us, claim.wanted, claim.at_least)
            granted, bucket.state = took.granted, took.bucket
            if granted:
                lease = Lease(claim.counter, granted, now_us)
                self._leases[claim.lease] = bucket.open[claim.lease] = lease
            elif took.retry_after_us is not None:
                wait = took.retry_after_us / MICROSECONDS
        left = gcra.remaining(rate, bucket.state, now_us)
        used = max(0, rate.burst - left - bucket.state.out)
        return Grant(claim.lease, granted, used, bucket.state.out, left, wait)

    def known_bucket(self, key: str) -> RateBucket | None:
        """Return a rate's bucket, its overdue leases counted as spent; `None` if it is new."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            oldest = self.now_us() - SETTLE_US
            for id_, lease in list(bucket.open.items()):
                if lease.opened_us > oldest:
                    break  # they were opened in this order
                self._settle_rate(bucket, id_, lease.granted, lease.opened_us + SETTLE_US)
        return bucket

    def _bucket(self, key: str, rate: gcra.Rate) -> RateBucket:
        bucket = self.known_bucket(key)
        if bucket is None:
            bucket = self._buckets[key] = RateBucket(rate, gcra.Bucket(self.now_us()))
        bucket.state = gcra.adopt(rate, bucket.rate, bucket.state, self.now_us())
        bucket.rate = rate
        return bucket

    def _give_back(self, item: Return) -> None:
        lease = self._leases.get(item.lease)
        if lease is None:
            now_us = self.now_us()
            self._leases[item.lease] = Lease("", 0, now_us, now_us)
        elif lease.closed_us is None:
            spent = lease.granted if item.spent is None else min(item.spent, lease.granted)
            self._settle(item.lease, lease, spent)

    def _settle(self, id_: str, lease: Lease, spent: int) -> None:
        counter = self._counters.get(lease.counter)
        bucket = self.known_bucket(lease.counter)
        if bucket is not None and id_ in bucket.open:
            self._settle_rate(bucket, id_, spent, self.now_us())
        elif counter is not None and lease.closed_us is None:
            counter.used += spent
            counter.out -= lease.granted
            lease.closed_us = self.now_us()

    def _settle_rate(self, bucket: RateBucket, id_: str, spent: int, at_us: int) -> None:
        lease = bucket.open.pop(id_)
        lease.closed_us = self.now_us()
        bucket.state = gcra.settle(bucket.rate, bucket.state, at_us, lease.granted, spent)

    def wait_for_quota(self, key: str, rule: Quota, cost: int) -> float | None:
        """Return 0 if the cost fits now; `None` if no waiting helps."""
        room = self._counters.get(key, Counter()).room(rule)
        return 0.0 if not cost or room is None or cost <= room else None

    def spend_quota(self, key: str, rule: Quota, cost: int) -> None:
        """Settle a cost at once."""
        if cost:
            counter = self._counters.setdefault(key, Counter())
            counter.used += cost
            counter.period_end = rule.period_end

    def credit_quota(self, key: str, amount: int) -> None:
        """Take settled units back; nothing if the counter is history already."""
        counter = self._counters.get(key)
        if counter is not None:
            counter.used = max(0, counter.used - amount)

    def wait_for_rate(self, key: str, rate: gcra.Rate, cost: int) -> float | None:
        """Return 0 if the cost fits now, the seconds until it does, or `None` for never."""
        if not cost:
            return 0.0
        took = gcra.take(rate, self._bucket(key, rate).state, self.now_us(), cost, cost)
        return None if took.retry_after_us is None else took.retry_after_us / MICROSECONDS

    def spend_rate(self, key: str, rate: gcra.Rate, cost: int) -> None:
        """Settle a cost that fits at once: it makes debt, and nothing is out on lease for it."""
        if cost:
            bucket = self._bucket(key, rate)
            took = gcra.take(rate, bucket.state, self.now_us(), cost, cost)
            bucket.state = replace(took.bucket, out=bucket.state.out)

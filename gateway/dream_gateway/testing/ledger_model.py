"""The ledger as plain arithmetic, without rows, batches or rounding."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from dream_gateway.storage import RATE_LEASE_SETTLE_SECONDS, Event, Outcome, Quota, Tally

if TYPE_CHECKING:
    from dream_gateway.gcra import Rate
    from dream_gateway.storage import Charge, Claim, Void

SECOND_US = 1_000_000


@dataclass
class ModelLease:
    """A lease; `counter` is `None` for an id that was closed before it was seen."""

    counter: str | None
    rate: bool
    granted: int
    opened: Fraction
    closed: bool = False


@dataclass
class ModelBucket:
    """A rate: when its debt is paid (seconds), and its open units."""

    rule: Rate
    paid_at: Fraction
    out: int = 0

    @property
    def interval(self) -> Fraction:
        """Seconds per unit."""
        return Fraction(self.rule.period_us, self.rule.limit * SECOND_US)

    def debt(self, now: Fraction) -> Fraction:
        """Units owed: never fewer than are on lease."""
        owed = min((self.paid_at - now) / self.interval, Fraction(self.rule.burst))
        return max(owed, Fraction(self.out))

    def owe(self, now: Fraction, units: Fraction) -> None:
        """Set the debt."""
        self.paid_at = now + max(units, Fraction(0)) * self.interval


@dataclass
class ModelLedger:
    """What the contract says should happen. `now` is the ledger's own clock in seconds."""

    now: Fraction
    used: dict[str, int] = field(default_factory=dict)
    out: dict[str, int] = field(default_factory=dict)
    buckets: dict[str, ModelBucket] = field(default_factory=dict)
    leases: dict[str, ModelLease] = field(default_factory=dict)
    events: dict[str, tuple[Event | Void, Outcome, int]] = field(default_factory=dict)
    voided: dict[str, int] = field(default_factory=dict)

    def tally(self, counter: str) -> Tally:
        """Return a quota's units."""
        return Tally(self.used.get(counter, 0), self.out.get(counter, 0))

    def take(self, claim: Claim) -> int:
        """Return what a claim is granted."""
        self.settle_old()
        lease = self.leases.get(claim.lease)
        room = self._room(claim.counter, claim.rule)
        if lease is not None:
            return 0 if lease.closed else lease.granted
        granted = claim.wanted if room is None else min(claim.wanted, room)
        if granted < claim.at_least:
            return 0
        is_rate = not isinstance(claim.rule, Quota)
        self.leases[claim.lease] = ModelLease(claim.counter, is_rate, granted, self.now)
        if is_rate:
            bucket = self.buckets[claim.counter]
            bucket.owe(self.now, bucket.debt(self.now) + granted)
            bucket.out += granted
        else:
            self.out[claim.counter] = self.out.get(claim.counter, 0) + granted
        return granted

    def give_back(self, id_: str, spent: int | None) -> None:
        """Close a lease."""
        self.settle_old()
        lease = self.leases.get(id_)
        if lease is None:
            self.leases[id_] = ModelLease(None, False, 0, self.now, closed=True)
        elif not lease.closed:
            units = lease.granted if spent is None else min(spent, lease.granted)
            self._settle(lease, units, self.now)

    def refund(self, counter: str, units: int) -> None:
        """Take used units back."""
        self.used[counter] = max(0, self.used.get(counter, 0) - units)

    def record(self, item: Event | Void) -> tuple[Outcome, int]:
        """Return what becomes of an event or a void, and the units it moved."""
        self.settle_old()
        if item.key in self.events:
            first, _, moved = self.events[item.key]
            same = type(first) is type(item) and first.fingerprint == item.fingerprint
            return (Outcome.DUPLICATE, moved) if same else (Outcome.CONFLICT, 0)
        outcome, moved = self._charge(item) if isinstance(item, Event) else self._void(item)
        if outcome is Outcome.RECORDED:
            self.events[item.key] = item, outcome, moved
        return outcome, moved

    def settle_old(self) -> None:
        """Count old rate leases as spent."""
        for lease in self.leases.values():
            due = lease.opened + int(RATE_LEASE_SETTLE_SECONDS)
            if lease.rate and not lease.closed and due <= self.now:
                self._settle(lease, lease.granted, due)

    def _room(self, counter: str, rule: Quota | Rate) -> int | None:
        if isinstance(rule, Quota):
            left = self.tally(counter)
            return None if rule.limit is None else rule.limit - left.used - left.out
        bucket = self.buckets.setdefault(counter, ModelBucket(rule, self.now))
        if bucket.rule != rule:
            # A ledger may round a debt up to a microsecond when the limit changes.
            if bucket.rule.limit != rule.limit:
                bucket.paid_at = Fraction(-(-bucket.paid_at * SECOND_US // 1), SECOND_US)
            bucket.rule = rule
        # Debt that no burst explains is dropped for good.
        bucket.paid_at = min(bucket.paid_at, self.now + rule.burst * bucket.interval)
        return int((rule.burst - bucket.debt(self.now)) // 1)

    def _settle(self, lease: ModelLease, spent: int, when: Fraction) -> None:
        lease.closed = True
        counter = lease.counter or ""
        if lease.rate:
            bucket = self.buckets[counter]
            bucket.owe(when, bucket.debt(when) - (lease.granted - spent))
            bucket.out -= lease.granted
        else:
            self.out[counter] -= lease.granted
            self.used[counter] = self.used.get(counter, 0) + spent

    def _charge(self, event: Event) -> tuple[Outcome, int]:
        if not all(self._fits(charge, event.cost) for charge in event.charges):
            return Outcome.DENIED, 0
        for charge in event.charges:
            if isinstance(charge.rule, Quota):
                self.used[charge.counter] = self.used.get(charge.counter, 0) + event.cost
            elif event.cost:
                bucket = self.buckets[charge.counter]
                bucket.owe(self.now, bucket.debt(self.now) + event.cost)
        return Outcome.RECORDED, event.cost

    def _fits(self, charge: Charge, cost: int) -> bool:
        room = self._room(charge.counter, charge.rule) if cost else None
        return room is None or cost <= room

    def _void(self, void: Void) -> tuple[Outcome, int]:
        found = next(
            (e for e, _, _ in self.events.values() if isinstance(e, Event) and e.id == void.event),
            None,
        )
        if found is None:
            return Outcome.UNKNOWN, 0
        left = found.cost - self.voided.get(found.id, 0)
        amount = left if void.amount is None else void.amount
        if amount > left or (left == 0 and found.cost > 0):
            return Outcome.EXCEEDS, 0
        self.voided[found.id] = self.voided.get(found.id, 0) + amount
        for charge in found.charges:
            if isinstance(charge.rule, Quota):
                self.used[charge.counter] = max(0, self.used[charge.counter] - amount)
        return Outcome.RECORDED, amount

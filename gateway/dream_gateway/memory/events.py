"""Usage events with idempotency keys, and the voids that take them back, in dictionaries."""

from __future__ import annotations

from collections import Counter as Sums
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dream_gateway.storage import Event, Outcome, Quota, Recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway.memory.ledger import MemoryLedger
    from dream_gateway.storage import Charge, Tally, Void


@dataclass(slots=True)
class Kept:
    """An event or a void, its first answer, and how much of it was taken back."""

    event: Event | Void
    answer: Recorded
    voided: int = 0


class MemoryEvents:
    """The events of one ledger, by idempotency key and by id."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._by_key: dict[tuple[str, str], Kept] = {}
        self._by_id: dict[tuple[str, str], Kept] = {}

    def record(self, event: Event | Void) -> Recorded:
        """Apply an event or a void, unless its key was used before."""
        first = self._by_key.get((event.scope, event.key))
        if first is not None:
            same = type(first.event) is type(event)
            if not same or first.event.fingerprint != event.fingerprint:
                return Recorded(Outcome.CONFLICT, first.answer.id)
            return replace(first.answer, outcome=Outcome.DUPLICATE)
        answer = self._charge(event) if isinstance(event, Event) else self._void(event)
        if answer.outcome is Outcome.RECORDED:
            kept = self._by_key[event.scope, event.key] = Kept(event, answer)
            if isinstance(event, Event):
                self._by_id[event.scope, event.id] = kept
        return answer

    def history(self, before: float) -> Iterator[None]:
        """Delete one event older than `before` at each step."""
        for name, kept in list(self._by_key.items()):
            if kept.event.at < before:
                del self._by_key[name]
                if isinstance(kept.event, Event):
                    self._by_id.pop((kept.event.scope, kept.event.id), None)
                yield

    def _charge(self, event: Event) -> Recorded:
        """Look at every counter first, and then charge them all."""
        so_far: Sums[str] = Sums()
        for number, charge in enumerate(event.charges):
            so_far[charge.counter] += event.cost
            wait = self._wait(charge, so_far[charge.counter])
            if wait != 0:
                return Recorded(Outcome.DENIED, event.id, denied_by=number, retry_after=wait)
        for charge in event.charges:
            if isinstance(charge.rule, Quota):
                self._ledger.spend_quota(charge.counter, charge.rule, event.cost)
            else:
                self._ledger.spend_rate(charge.counter, charge.rule, event.cost)
        tallies = self._tallies(event)
        return Recorded(Outcome.RECORDED, event.id, event.cost, tallies, event.subject)

    def _wait(self, charge: Charge, cost: int) -> float | None:
        if isinstance(charge.rule, Quota):
            return self._ledger.wait_for_quota(charge.counter, charge.rule, cost)
        return self._ledger.wait_for_rate(charge.counter, charge.rule, cost)

    def _void(self, void: Void) -> Recorded:
        found = self._by_id.get((void.scope, void.event))
        if found is None or not isinstance(found.event, Event):
            return Recorded(Outcome.UNKNOWN, void.id)
        event = found.event
        left = event.cost - found.voided
        amount = left if void.amount is None else void.amount
        if amount > left or (left == 0 and event.cost > 0):
            return Recorded(Outcome.EXCEEDS, void.id, subject=event.subject)
        found.voided += amount
        for charge in event.charges:
            if isinstance(charge.rule, Quota):
                self._ledger.credit_quota(charge.counter, amount)
        return Recorded(Outcome.RECORDED, void.id, amount, self._tallies(event), event.subject)

    def _tallies(self, event: Event) -> tuple[Tally, ...]:
        return tuple(self._ledger.tally(charge.counter) for charge in event.charges)

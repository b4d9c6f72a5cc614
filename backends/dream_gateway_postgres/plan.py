"""What a group of operations needs: the rows to read, and the stripes to lock before that."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from dream_gateway.storage import Event, Quota

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dream_gateway.gcra import Rate
    from dream_gateway.storage import Claim, Refund, Return, Void

STRIPES = 1024
"""How many locks there are. Names that fold to the same one only wait for each other."""


class Plan:
    """Names of rows, without repeats. Rows that do not exist yet are locked by name all the same.

    `quotas` and `rates` are counters. `events` are scopes with keys, `voided` scopes with ids.
    `closing` are the leases whose counters only the ledger knows.
    """

    def __init__(self) -> None:
        self.quotas: set[str] = set()
        self.rates: set[str] = set()
        self.leases: set[str] = set()
        self.closing: set[str] = set()
        self.events: set[tuple[str, str]] = set()
        self.voided: set[tuple[str, str]] = set()

    def claims(self, claims: Iterable[Claim]) -> None:
        """Add what claims need."""
        for claim in claims:
            self.charge(claim.counter, claim.rule)
            self.leases.add(claim.lease)

    def returns(self, returns: Iterable[Return]) -> None:
        """Add what returns need; `follow` adds their counters."""
        ids = [item.lease for item in returns]
        self.leases.update(ids)
        self.closing.update(ids)

    def refunds(self, refunds: Iterable[Refund]) -> None:
        """Add what refunds need."""
        for item in refunds:
            self.leases.add(item.id)
            self.quotas.add(item.counter)

    def records(self, events: Sequence[Event | Void]) -> None:
        """Add what events and voids need; `follow` adds the counters of what is voided."""
        for event in events:
            self.events.add((event.scope, event.key))
            if isinstance(event, Event):
                for charge in event.charges:
                    self.charge(charge.counter, charge.rule)
            else:
                self.voided.add((event.scope, event.event))

    def charge(self, counter: str, rule: Quota | Rate) -> None:
        """Add a counter."""
        (self.quotas if isinstance(rule, Quota) else self.rates).add(counter)

    def size(self) -> int:
        """Return how many rows are named."""
        names = (self.quotas, self.rates, self.leases, self.events, self.voided)
        return sum(len(each) for each in names)

    def stripes(self) -> list[int]:
        """Return what to lock, in the order in which everybody locks."""
        names = [f"counter {name}" for name in self.quotas | self.rates]
        names += [f"lease {name}" for name in self.leases]
        names += [f"event {scope}\x1f{key}" for scope, key in self.events]
        return sorted({crc32(name.encode()) % STRIPES for name in names})

"""The rows of one transaction: each read once, changed in memory, and written once at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dream_gateway import gcra
from dream_gateway.bookkeeping.rows import SETTLE_US, BucketRow, CounterRow, LeaseRow

if TYPE_CHECKING:
    from dream_gateway.bookkeeping.rows import EventRow, Rows


@dataclass(slots=True)
class Changes:
    """Rows to write, in the order of their first change; `stored` tells an update from an insert."""

    counters: list[CounterRow] = field(default_factory=list)
    buckets: list[BucketRow] = field(default_factory=list)
    leases: list[LeaseRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)


class Books:
    """One transaction's view of the ledger. `now_us` is the ledger's clock, in microseconds."""

    def __init__(self, rows: Rows, now_us: int) -> None:
        self.now_us = now_us
        self._rows = rows
        self._counters: dict[str, CounterRow] = {}
        self._buckets: dict[str, BucketRow | None] = {}
        self._leases: dict[str, LeaseRow | None] = {}
        self._events: dict[tuple[str, str], EventRow | None] = {}
        self._events_by_id: dict[tuple[str, str], EventRow | None] = {}
        self._changes = Changes()

    def changes(self) -> Changes:
        """Return what is to be written. A counter that was touched to no effect is not."""
        changed = self._changes
        # A denied event may have touched a new counter, and must leave no trace of it.
        changed.counters = [row for row in changed.counters if row.stored or row.used or row.out]
        return changed

    def forget(self) -> None:
        """Read everything anew from here on; what changed has been written."""
        for rows in (
            self._counters, self._buckets, self._leases, self._events, self._events_by_id,
        ):  # fmt: skip
            rows.clear()
        self._changes = Changes()

    def counter(self, key: str) -> CounterRow:
        """Return a quota's row, at zero if it is new."""
        row = self._counters.get(key)
        if row is None:
            row = self._counters[key] = CounterRow(key, self._rows.counter(key))
        return row

    def touch(self, row: CounterRow) -> None:
        """Have a quota's row written at the end."""
        if not row.dirty:
            row.dirty = True
            self._changes.counters.append(row)

    def set_end(self, row: CounterRow, period_end: int | None) -> None:
        """Let a quota's row know when it is history."""
        if row.period_end != period_end:
            row.period_end = period_end
            row.moved = row.stored

    def known_bucket(self, key: str) -> BucketRow | None:
        """Return a rate's row with its overdue leases settled; `None` if it is new."""
        if key in self._buckets:
            return self._buckets[key]
        row = self._buckets[key] = self._rows.bucket(key)
        if row is not None and row.state.out:
            self._settle_overdue(row)
        return row

    def bucket(self, key: str, rate: gcra.Rate) -> BucketRow:
        """Return a rate's row under the given rule, full if it is new."""
        row = self.known_bucket(key)
        if row is None:
            row = self._buckets[key] = BucketRow(key, rate, gcra.Bucket(self.now_us))
            return row
        state = gcra.adopt(rate, row.rate, row.state, self.now_us)
        if row.rate != rate or state is not row.state:
            row.rate = rate
            self.set_bucket(row, state)
        return row

    def set_bucket(self, row: BucketRow, state: gcra.Bucket) -> None:
        """Change a rate's state."""
        row.state = state
        if not row.dirty:
            row.dirty = True
            self._changes.buckets.append(row)

    def lease(self, id_: str) -> LeaseRow | None:
        """Return a lease's row; `None` if the id was never seen."""
        if id_ not in self._leases:
            self._leases[id_] = self._rows.lease(id_)
        return self._leases[id_]

    def open(self, id_: str, counter: str, kind: int, granted: int) -> LeaseRow:
        """Add a lease."""
        lease = self._leases[id_] = LeaseRow(id_, counter, kind, granted, self.now_us)
        self._changes.leases.append(lease)
        return lease

    def close(self, lease: LeaseRow) -> None:
        """Mark a lease closed; its counter is the caller's business."""
        lease.closed_us = self.now_us
        if not lease.dirty:
            lease.dirty = True
            self._changes.leases.append(lease)

    def event(self, scope: str, key: str) -> EventRow | None:
        """Return the event or void that first used a key; `None` if it is free."""
        name = scope, key
        if name not in self._events:
            row = self._rows.event(scope, key)
            # It may have been read by its id already: one row is one object.
            if row is not None and row.voids is None:
                row = self._events_by_id.setdefault((scope, row.id), row) or row
            self._events[name] = row
        return self._events[name]

    def event_by_id(self, scope: str, id_: str) -> EventRow | None:
        """Return the event that a void names; `None` if there is none. A void is none."""
        name = scope, id_
        if name not in self._events_by_id:
            row = self._rows.event_by_id(scope, id_)
            if row is not None:
                row = self._events.setdefault((scope, row.key), row) or row
            self._events_by_id[name] = row
        return self._events_by_id[name]

    def add_event(self, row: EventRow) -> None:
        """Add an event or a void."""
        row.dirty = True
        self._events[row.scope, row.key] = row
        if row.voids is None:
            self._events_by_id[row.scope, row.id] = row
        self._changes.events.append(row)

    def void(self, row: EventRow, amount: int) -> None:
        """Note units that a void takes from an event; its counters are the caller's business."""
        row.voided += amount
        if not row.dirty:
            row.dirty = True
            self._changes.events.append(row)

    def _settle_overdue(self, row: BucketRow) -> None:
        """Count leases nobody may spend from any more as spent, as of when they became so."""
        for id_ in self._rows.overdue(row.key, self.now_us):
            lease = self.lease(id_)
            if lease is not None and lease.closed_us is None:
                self.close(lease)
                whole, due_us = lease.granted, min(lease.opened_us + SETTLE_US, self.now_us)
                state = gcra.settle(row.rate, row.state, due_us, whole, whole)
                self.set_bucket(row, state)

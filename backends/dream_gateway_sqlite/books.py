"""The rows of one transaction: each read once, changed in memory, and written once at the end."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

from dream_gateway import gcra
from dream_gateway.storage import RATE_LEASE_SETTLE_SECONDS, Tally

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

MICROSECONDS = 1_000_000
SETTLE_US = int(RATE_LEASE_SETTLE_SECONDS * MICROSECONDS)

QUOTA_LEASE = 0
RATE_LEASE = 1
TOMBSTONE = 2


class Counter:
    """A quota's row."""

    __slots__ = ("dirty", "key", "moved", "out", "period_end", "stored", "used")

    def __init__(self, key: str, row: Sequence[Any] | None) -> None:
        self.key = key
        self.used: int
        self.out: int
        self.period_end: int | None
        self.used, self.out, self.period_end = row or (0, 0, None)
        self.stored = row is not None
        self.dirty = False
        self.moved = False

    def tally(self) -> Tally:
        """Return its units."""
        return Tally(self.used, self.out)


class BucketRow:
    """A rate's row: the rule last applied, and the state under it."""

    __slots__ = ("dirty", "key", "rate", "state")

    def __init__(self, key: str, rate: gcra.Rate, state: gcra.Bucket) -> None:
        self.key = key
        self.rate = rate
        self.state = state
        self.dirty = False

    def tally(self, now_us: int) -> Tally:
        """Return its debt in units as used, and what is out on lease."""
        left = gcra.remaining(self.rate, self.state, now_us)
        return Tally(max(0, self.rate.burst - left - self.state.out), self.state.out)


class Lease:
    """A lease's row; `closed_us` is `None` while it is open."""

    __slots__ = ("closed_us", "counter", "dirty", "granted", "id", "kind", "opened_us", "stored")

    def __init__(self, id_: str, counter: str, kind: int, granted: int, opened_us: int) -> None:
        self.id = id_
        self.counter = counter
        self.kind = kind
        self.granted = granted
        self.opened_us = opened_us
        self.closed_us: int | None = None
        self.stored = False
        self.dirty = True


class Books:
    """One transaction's view of the ledger. `now_us` is the ledger's clock."""

    def __init__(self, connection: sqlite3.Connection, sql: dict[str, str], now_us: int) -> None:
        self.execute = connection.execute
        self.sql = sql
        self.now_us = now_us
        self._connection = connection
        self._counters: dict[str, Counter] = {}
        self._buckets: dict[str, BucketRow | None] = {}
        self._leases: dict[str, Lease | None] = {}
        self._dirty_counters: list[Counter] = []
        self._dirty_buckets: list[BucketRow] = []
        self._dirty_leases: list[Lease] = []

    def prefetch(self, hints: Sequence[tuple[list[str], list[str]]]) -> None:
        """Read the counters and leases that operations will ask for, in two statements.

        Each statement is one turn at the interpreter's lock, which a busy event loop makes dear.
        """
        ids = _plain(chain.from_iterable(leases for _, leases in hints))
        if len(ids) > 1:
            self._leases = dict.fromkeys(ids)
            for row in self.execute(self.sql["leases_in"], (json.dumps(ids),)).fetchall():
                self._leases[row[0]] = _stored(row[0], row[1:])
        keys = _plain(chain.from_iterable(counters for counters, _ in hints))
        held = (lease for lease in self._leases.values() if lease is not None)
        keys += _plain(lease.counter for lease in held if lease.kind == QUOTA_LEASE)
        if len(keys) > 1:
            found = self.execute(self.sql["counters_in"], (json.dumps(keys),)).fetchall()
            rows = {key: values for key, *values in found}
            for key in keys:
                self._counters[key] = Counter(key, rows.get(key))

    def counter(self, key: str) -> Counter:
        """Return a quota's row, at zero if it is new."""
        row = self._counters.get(key)
        if row is None:
            found = self.execute(self.sql["counter"], (key,)).fetchone()
            row = self._counters[key] = Counter(key, found)
        return row

    def touch(self, row: Counter) -> None:
        """Have a quota's row written at the end."""
        if not row.dirty:
            row.dirty = True
            self._dirty_counters.append(row)

    def set_end(self, row: Counter, period_end: int | None) -> None:
        """Let a quota's row know when it is history."""
        if row.period_end != period_end:
            row.period_end = period_end
            row.moved = row.stored

    def known_bucket(self, key: str) -> BucketRow | None:
        """Return a rate's row with its overdue leases settled; `None` if it is new."""
        if key in self._buckets:
            return self._buckets[key]
        found = self.execute(self.sql["bucket"], (key,)).fetchone()
        row = None
        if found is not None:
            row = BucketRow(key, gcra.Rate(*found[3:]), gcra.Bucket(*found[:3]))
        self._buckets[key] = row
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
            self._dirty_buckets.append(row)

    def lease(self, id_: str) -> Lease | None:
        """Return a lease's row; `None` if the id was never seen."""
        if id_ in self._leases:
            return self._leases[id_]
        found = self.execute(self.sql["lease"], (id_,)).fetchone()
        lease = self._leases[id_] = None if found is None else _stored(id_, found)
        return lease

    def open(self, id_: str, counter: str, kind: int, granted: int) -> Lease:
        """Add a lease."""
        lease = self._leases[id_] = Lease(id_, counter, kind, granted, self.now_us)
        self._dirty_leases.append(lease)
        return lease

    def close(self, lease: Lease) -> None:
        """Mark a lease closed; its counter is the caller's business."""
        lease.closed_us = self.now_us
        if not lease.dirty:
            lease.dirty = True
            self._dirty_leases.append(lease)

    def _settle_overdue(self, row: BucketRow) -> None:
        """Count leases nobody may spend from any more as spent, as of when they became so."""
        before = self.now_us - SETTLE_US
        overdue = self.execute(self.sql["overdue"], (row.key, before, self.now_us)).fetchall()
        for (id_,) in overdue:
            lease = self.lease(id_)
            if lease is not None and lease.closed_us is None:
                self.close(lease)
                whole, due_us = lease.granted, min(lease.opened_us + SETTLE_US, self.now_us)
                state = gcra.settle(row.rate, row.state, due_us, whole, whole)
                self.set_bucket(row, state)

    def flush(self) -> None:
        """Write everything that changed."""
        many, sql = self._connection.executemany, self.sql
        if self._dirty_leases:
            self._flush_leases()
        if self._dirty_counters:
            self._flush_counters()
        if self._dirty_buckets:
            many(sql["store_bucket"], [_bucket_values(row) for row in self._dirty_buckets])

    def flush_and_forget(self) -> None:
        """Write everything that changed, and read it anew from here on."""
        self.flush()
        for rows in (self._counters, self._buckets, self._leases):
            rows.clear()
        for changed in (self._dirty_counters, self._dirty_buckets, self._dirty_leases):
            changed.clear()

    def _flush_leases(self) -> None:
        many, sql = self._connection.executemany, self.sql
        new = [
            (row.id, row.counter, row.kind, row.granted, row.opened_us, row.closed_us)
            for row in self._dirty_leases
            if not row.stored
        ]
        closed = [(row.closed_us, row.id) for row in self._dirty_leases if row.stored]
        many(sql["insert_lease"], new)
        many(sql["close_lease"], closed)

    def _flush_counters(self) -> None:
        many, sql = self._connection.executemany, self.sql
        # A denied event may have touched a new counter, and must leave no trace of it.
        rows = [row for row in self._dirty_counters if row.stored or row.used or row.out]
        many(
            sql["insert_counter"],
            [(row.used, row.out, row.period_end, row.key) for row in rows if not row.stored],
        )
        many(sql["update_counter"], [(row.used, row.out, row.key) for row in rows if row.stored])
        many(sql["move_counter"], [(row.period_end, row.key) for row in rows if row.moved])


def _stored(id_: str, values: Sequence[Any]) -> Lease:
    lease = Lease(id_, *values[:4])
    lease.closed_us = values[4]
    lease.stored = True
    lease.dirty = False
    return lease


def _plain(names: Iterable[str]) -> list[str]:
    """Return the names without repeats, and without those that JSON in SQLite would cut short."""
    return [name for name in dict.fromkeys(names) if "\x00" not in name]


def _bucket_values(row: BucketRow) -> tuple[str | int, ...]:
    state, rate = row.state, row.rate
    return (
        row.key, state.tat_us, state.out, state.surplus,
        rate.limit, rate.period_us, rate.burst,
    )  # fmt: skip

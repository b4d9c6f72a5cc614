"""One transaction on the file: reads rows for the books, and writes what the books changed."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

from dream_gateway import gcra
from dream_gateway.bookkeeping import (
    QUOTA_LEASE,
    SETTLE_US,
    Books,
    BucketRow,
    EventRow,
    LeaseRow,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from dream_gateway.bookkeeping import CounterRow


class FileRows:
    """Answers from what was prefetched, else with a statement for each row."""

    def __init__(self, connection: sqlite3.Connection, sql: dict[str, str]) -> None:
        self._execute = connection.execute
        self._sql = sql
        self._counters: dict[str, tuple[int, int, int | None] | None] = {}
        self._leases: dict[str, LeaseRow | None] = {}

    def prefetch(self, hints: Sequence[tuple[list[str], list[str]]]) -> None:
        """Read the counters and leases that operations will ask for, in two statements.

        Each statement is one turn at the interpreter's lock, which a busy event loop makes dear.
        """
        ids = _plain(chain.from_iterable(leases for _, leases in hints))
        if len(ids) > 1:
            self._leases = dict.fromkeys(ids)
            for row in self._execute(self._sql["leases_in"], (json.dumps(ids),)).fetchall():
                self._leases[row[0]] = LeaseRow.read(row[0], row[1:])
        keys = _plain(chain.from_iterable(counters for counters, _ in hints))
        held = (lease for lease in self._leases.values() if lease is not None)
        keys += _plain(lease.counter for lease in held if lease.kind == QUOTA_LEASE)
        if len(keys) > 1:
            self._counters = dict.fromkeys(keys)
            for row in self._execute(self._sql["counters_in"], (json.dumps(keys),)).fetchall():
                self._counters[row[0]] = row[1:]

    def forget(self) -> None:
        """Drop what was prefetched."""
        self._counters.clear()
        self._leases.clear()

    def counter(self, key: str) -> tuple[int, int, int | None] | None:
        """Return a quota's values."""
        if key in self._counters:
            return self._counters[key]
        found: tuple[int, int, int | None] | None
        found = self._execute(self._sql["counter"], (key,)).fetchone()
        return found

    def bucket(self, key: str) -> BucketRow | None:
        """Return a rate's row."""
        found = self._execute(self._sql["bucket"], (key,)).fetchone()
        if found is None:
            return None
        return BucketRow(key, gcra.Rate(*found[3:]), gcra.Bucket(*found[:3]))

    def lease(self, id_: str) -> LeaseRow | None:
        """Return a lease's row."""
        if id_ in self._leases:
            return self._leases[id_]
        found = self._execute(self._sql["lease"], (id_,)).fetchone()
        return None if found is None else LeaseRow.read(id_, found)

    def overdue(self, bucket: str, now_us: int) -> Iterable[str]:
        """Return a bucket's leases that are too old, or opened before this boot of the machine."""
        sought = (bucket, now_us - SETTLE_US, now_us)
        return [id_ for (id_,) in self._execute(self._sql["overdue"], sought).fetchall()]

    def event(self, scope: str, key: str) -> EventRow | None:
        """Return what first used a key."""
        return _event(self._execute(self._sql["event"], (scope, key)).fetchone())

    def event_by_id(self, scope: str, id_: str) -> EventRow | None:
        """Return an event that is no void."""
        return _event(self._execute(self._sql["event_by_id"], (scope, id_)).fetchone())


class Session:
    """What the operations of one transaction work on."""

    def __init__(self, connection: sqlite3.Connection, sql: dict[str, str], now_us: int) -> None:
        self.execute = connection.execute
        self.sql = sql
        self._many = connection.executemany
        self._rows = FileRows(connection, sql)
        self.books = Books(self._rows, now_us)

    def prefetch(self, hints: Sequence[tuple[list[str], list[str]]]) -> None:
        """Read what operations say they will ask for: counters, and leases."""
        self._rows.prefetch(hints)

    def flush(self) -> None:
        """Write everything that changed."""
        changed = self.books.changes()
        if changed.leases:
            self._write_leases(changed.leases)
        if changed.counters:
            self._write_counters(changed.counters)
        if changed.buckets:
            values = [_bucket_values(row) for row in changed.buckets]
            self._many(self.sql["store_bucket"], values)
        if changed.events:
            self._write_events(changed.events)

    def flush_and_forget(self) -> None:
        """Write everything that changed, and read it anew from here on."""
        self.flush()
        self.books.forget()
        self._rows.forget()

    def _write_leases(self, rows: list[LeaseRow]) -> None:
        new = [
            (row.id, row.counter, row.kind, row.granted, row.opened_us, row.closed_us)
            for row in rows
            if not row.stored
        ]
        self._many(self.sql["insert_lease"], new)
        closed = [(row.closed_us, row.id) for row in rows if row.stored]
        self._many(self.sql["close_lease"], closed)

    def _write_counters(self, rows: list[CounterRow]) -> None:
        new = [(row.used, row.out, row.period_end, row.key) for row in rows if not row.stored]
        self._many(self.sql["insert_counter"], new)
        changed = [(row.used, row.out, row.key) for row in rows if row.stored]
        self._many(self.sql["update_counter"], changed)
        self._many(
            self.sql["move_counter"], [(row.period_end, row.key) for row in rows if row.moved]
        )

    def _write_events(self, rows: list[EventRow]) -> None:
        new = [_event_values(row) for row in rows if not row.stored]
        self._many(self.sql["insert_event"], new)
        voided = [(row.voided, row.scope, row.key) for row in rows if row.stored]
        self._many(self.sql["void_event"], voided)


def _plain(names: Iterable[str]) -> list[str]:
    """Return the names without repeats, and without those that JSON in SQLite would cut short."""
    return [name for name in dict.fromkeys(names) if "\x00" not in name]


def _bucket_values(row: BucketRow) -> tuple[str | int, ...]:
    state, rate = row.state, row.rate
    return (
        row.key, state.tat_us, state.out, state.surplus,
        rate.limit, rate.period_us, rate.burst,
    )  # fmt: skip


def _event(values: tuple[Any, ...] | None) -> EventRow | None:
    if values is None:
        return None
    scope, key, id_, fingerprint, subject, voids, cost, voided, at, charges, tallies = values
    row = EventRow(
        scope,
        key,
        id_=id_,
        fingerprint=fingerprint,
        subject=subject,
        voids=voids,
        cost=cost,
        voided=voided,
        at=at,
        charges=[(counter, quota) for counter, quota in json.loads(charges)],
        tallies=[(used, out) for used, out in json.loads(tallies)],
    )
    row.stored = True
    return row


def _event_values(row: EventRow) -> tuple[str | int | float | None, ...]:
    return (
        row.scope, row.key, row.id, row.fingerprint, row.subject, row.voids, row.cost,
        row.voided, row.at, json.dumps(row.charges), json.dumps(row.tallies),
    )  # fmt: skip

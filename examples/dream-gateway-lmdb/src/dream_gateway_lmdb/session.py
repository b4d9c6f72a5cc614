"""One transaction on the file: what the books read, and what is written of what they changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dream_gateway.bookkeeping import (
    MICROSECONDS,
    RATE_LEASE,
    SETTLE_US,
    Books,
    Bucket,
    BucketRow,
    EventRow,
    LeaseRow,
    Rate,
)
from dream_gateway_lmdb import keys
from dream_gateway_lmdb.keys import digest, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import lmdb

    from dream_gateway.bookkeeping import CounterRow


class Session:
    """The rows of one write transaction (`dream_gateway.bookkeeping.Rows`), and its books."""

    def __init__(self, transaction: lmdb.Transaction[bytes], now_us: int) -> None:
        self.transaction = transaction
        self.now_us = now_us
        self.books = Books(self, now_us)

    def read(self, key: bytes) -> Any:
        """Return the value under a key; `None` if there is none."""
        found = self.transaction.get(key)
        return None if found is None else json.loads(found)

    def write(self, key: bytes, value: object) -> None:
        """Put a value under a key, over any other."""
        self.transaction.put(key, json.dumps(value).encode())

    def scan(self, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values in order from `prefix + start` on, as long as they have the prefix."""
        with self.transaction.cursor() as cursor:
            if not cursor.set_range(prefix + start):
                return
            for key, value in cursor:
                if not key.startswith(prefix):
                    return
                yield key, value

    def counter(self, key: str) -> tuple[int, int, int | None] | None:
        """Return a quota's values."""
        found = self.read(keys.COUNTER + digest(key))
        return None if found is None else (found[0], found[1], found[2])

    def bucket(self, key: str) -> BucketRow | None:
        """Return a rate's row."""
        found = self.read(keys.BUCKET + digest(key))
        return found and BucketRow(key, Rate(*found[3:]), Bucket(*found[:3]))

    def lease(self, id_: str) -> LeaseRow | None:
        """Return a lease's row."""
        found = self.read(keys.LEASE + digest(id_))
        return found and LeaseRow.read(id_, found)

    def overdue(self, bucket: str, now_us: int) -> Iterable[str]:
        """Return a bucket's leases that are too old, or opened before this boot of the machine."""
        leases = self.scan(keys.OPEN_RATE_LEASES + digest(bucket))
        sought = (json.loads(value) for _, value in leases)
        return [id_ for id_, _, opened in sought if is_overdue(opened, now_us)]

    def event(self, scope: str, key: str) -> EventRow | None:
        """Return what first used a key."""
        return self._event(keys.EVENT + digest(scope, key))

    def event_by_id(self, scope: str, id_: str) -> EventRow | None:
        """Return an event that is no void."""
        place = self.transaction.get(keys.EVENT_ID + digest(scope, id_))
        return None if place is None else self._event(place)

    def flush(self) -> None:
        """Write everything that the books changed, and its entries in the indexes."""
        changed = self.books.changes()
        for counter in changed.counters:
            self._write_counter(counter)
        for bucket in changed.buckets:
            state, rate = bucket.state, bucket.rate
            values = state.tat_us, state.out, state.surplus, rate.limit, rate.period_us, rate.burst
            self.write(keys.BUCKET + digest(bucket.key), values)
        for lease in changed.leases:
            self._write_lease(lease)
        for event in changed.events:
            self._write_event(event)

    def flush_and_forget(self) -> None:
        """Write everything that changed, and read it anew from here on."""
        self.flush()
        self.books.forget()

    def _event(self, place: bytes) -> EventRow | None:
        found = self.read(place)
        if found is None:
            return None
        row = EventRow(**found)
        row.stored = True
        return row

    def _write_counter(self, row: CounterRow) -> None:
        name = digest(row.key)
        before = self.counter(row.key)
        if before is not None and before[2] is not None and before[2] != row.period_end:
            self.transaction.delete(keys.COUNTER_ENDS + stamp(before[2]) + name)
        if row.period_end is not None:
            self.write(keys.COUNTER_ENDS + stamp(row.period_end) + name, None)
        self.write(keys.COUNTER + name, (row.used, row.out, row.period_end))

    def _write_lease(self, row: LeaseRow) -> None:
        name = digest(row.id)
        if row.kind == RATE_LEASE:
            entry = keys.OPEN_RATE_LEASES + digest(row.counter) + stamp(row.opened_us) + name
            if row.closed_us is None:
                self.write(entry, (row.id, row.counter, row.opened_us))
            else:
                self.transaction.delete(entry)
        if row.closed_us is not None:
            self.write(keys.LEASE_ENDS + stamp(row.closed_us) + name, None)
        values = row.counter, row.kind, row.granted, row.opened_us, row.closed_us
        self.write(keys.LEASE + name, values)

    def _write_event(self, row: EventRow) -> None:
        name = digest(row.scope, row.key)
        if not row.stored:
            self.write(keys.EVENT_TIMES + stamp(int(row.at * MICROSECONDS)) + name, None)
            if row.voids is None:
                place = keys.EVENT_ID + digest(row.scope, row.id)
                self.transaction.put(place, keys.EVENT + name)
        values = {field: getattr(row, field) for field in EVENT_FIELDS}
        self.write(keys.EVENT + name, {**values, "id_": row.id})


EVENT_FIELDS = (
    "scope", "key", "fingerprint", "subject", "voids", "cost", "voided", "at", "charges", "tallies",
)  # fmt: skip
"""What an event is made of again, beside its id."""


def is_overdue(opened_us: int, now_us: int) -> bool:
    """Tell whether a rate lease counts as spent: too old, or of before this boot of the machine."""
    return not now_us - SETTLE_US < opened_us <= now_us

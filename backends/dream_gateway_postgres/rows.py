"""The rows of one transaction, all read before the books are opened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dream_gateway import gcra
from dream_gateway.bookkeeping import QUOTA_LEASE, SETTLE_US, BucketRow, EventRow, LeaseRow
from dream_gateway_postgres.names import original

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from dream_gateway_postgres.plan import Plan


class FetchedRows:
    """Answers from what was read; a row that nobody planned for is a `KeyError`."""

    def __init__(self, plan: Plan, now_us: int) -> None:
        self.now_us = now_us
        self._counters: dict[str, tuple[int, int, int | None] | None]
        self._counters = dict.fromkeys(plan.quotas)
        self._buckets: dict[str, BucketRow | None] = dict.fromkeys(plan.rates)
        self._leases: dict[str, LeaseRow | None] = dict.fromkeys(plan.leases)
        self._overdue: dict[str, list[str]] = {}
        self._events: dict[tuple[str, str], EventRow] = {}
        self._by_id: dict[tuple[str, str], EventRow] = {}

    def fill(self, found: Any) -> None:
        """Put in what the statement `read` found."""
        for key, *values in found["counters"]:
            self._counters[original(key)] = tuple(values)
        for key, tat_us, out, surplus, *rule in found["buckets"]:
            row = BucketRow(original(key), gcra.Rate(*rule), gcra.Bucket(tat_us, out, surplus))
            self._buckets[row.key] = row
        for values in found["leases"]:
            lease = _lease(values)
            self._leases[lease.id] = lease
        for values in found["overdue"]:
            lease = _lease(values)
            if self._leases.get(lease.id) is None:
                self._leases[lease.id] = lease
            self._overdue.setdefault(lease.counter, []).append(lease.id)

    def fill_events(self, found: list[Any]) -> None:
        """Put in what the statement `events` found."""
        for record in found:
            row = _event(record)
            row = self._events.setdefault((row.scope, row.key), row)
            if row.voids is None:
                self._by_id[row.scope, row.id] = row

    def follow(self, plan: Plan) -> bool:
        """Add what the rows that were read refer to; return whether anything was new."""
        before = plan.size()
        for id_ in plan.closing:
            lease = self._leases.get(id_)
            if lease is not None and lease.closed_us is None:
                (plan.quotas if lease.kind == QUOTA_LEASE else plan.rates).add(lease.counter)
        for name in plan.voided:
            event = self._by_id.get(name)
            if event is not None:
                plan.events.add((event.scope, event.key))
                for counter, quota in event.charges:
                    (plan.quotas if quota else plan.rates).add(counter)
        return plan.size() > before

    def counter(self, key: str) -> tuple[int, int, int | None] | None:
        """Return a quota's values."""
        return self._counters[key]

    def bucket(self, key: str) -> BucketRow | None:
        """Return a rate's row."""
        return self._buckets[key]

    def lease(self, id_: str) -> LeaseRow | None:
        """Return a lease's row."""
        return self._leases[id_]

    def overdue(self, bucket: str, now_us: int) -> list[str]:
        """Return a bucket's leases that are too old."""
        before = now_us - SETTLE_US
        found = self._overdue.get(bucket, [])
        leases = ((id_, self._leases[id_]) for id_ in found)
        return [id_ for id_, row in leases if row is not None and row.opened_us <= before]

    def event(self, scope: str, key: str) -> EventRow | None:
        """Return what first used a key."""
        return self._events.get((scope, key))

    def event_by_id(self, scope: str, id_: str) -> EventRow | None:
        """Return an event that is no void."""
        return self._by_id.get((scope, id_))


def _lease(values: Sequence[Any]) -> LeaseRow:
    return LeaseRow.read(original(values[0]), (original(values[1]), *values[2:]))


def _event(record: asyncpg.Record) -> EventRow:
    row = EventRow(
        original(record["scope"]),
        original(record["key"]),
        id_=original(record["id"]),
        fingerprint=original(record["fingerprint"]),
        subject=original(record["subject"]),
        voids=None if record["voids"] is None else original(record["voids"]),
        cost=record["cost"],
        voided=record["voided"],
        at=record["at"],
        charges=[(counter, quota) for counter, quota in json.loads(record["charges"])],
        tallies=[(used, out) for used, out in json.loads(record["tallies"])],
    )
    row.stored = True
    return row

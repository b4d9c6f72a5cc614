"""The rows of a ledger in memory, and how the books ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from dream_gateway import gcra
from dream_gateway.storage import RATE_LEASE_SETTLE_SECONDS, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MICROSECONDS = 1_000_000
SETTLE_US = int(RATE_LEASE_SETTLE_SECONDS * MICROSECONDS)

QUOTA_LEASE = 0
RATE_LEASE = 1
TOMBSTONE = 2
"""A lease that was closed before it was ever seen, or the id of a refund."""


class CounterRow:
    """A quota's row. `moved`: `period_end` of a stored row has changed."""

    __slots__ = ("dirty", "key", "moved", "out", "period_end", "stored", "used")

    def __init__(self, key: str, values: tuple[int, int, int | None] | None) -> None:
        self.key = key
        self.used, self.out, self.period_end = values or (0, 0, None)
        self.stored = values is not None
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


class LeaseRow:
    """A lease's row; `closed_us` is `None` while it is open. `kind` is one of the three above."""

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

    @classmethod
    def read(cls, id_: str, values: Sequence[Any]) -> LeaseRow:
        """Return a stored row; `values` are `counter, kind, granted, opened_us, closed_us`."""
        row = cls(id_, *values[:4])
        row.closed_us = values[4]
        row.stored = True
        row.dirty = False
        return row


class EventRow:
    """An event's or a void's row, by idempotency key.

    `voids` is the id of the event that a void takes from. `voided` is what voids took from this
    one. `charges` are the counters charged, each with whether it is a quota. `tallies` are the
    answer that a repeat gets.
    """

    __slots__ = (
        "at", "charges", "cost", "dirty", "fingerprint", "id", "key", "scope", "stored",
        "subject", "tallies", "voided", "voids",
    )  # fmt: skip

    def __init__(
        self,
        scope: str,
        key: str,
        *,
        id_: str,
        fingerprint: str,
        subject: str,
        voids: str | None,
        cost: int,
        voided: int,
        at: float,
        charges: Sequence[tuple[str, bool]],
        tallies: Sequence[tuple[int, int]],
    ) -> None:
        self.scope = scope
        self.key = key
        self.id = id_
        self.fingerprint = fingerprint
        self.subject = subject
        self.voids = voids
        self.cost = cost
        self.voided = voided
        self.at = at
        self.charges = charges
        self.tallies = tallies
        self.stored = False
        self.dirty = False


class Rows(Protocol):
    """What one transaction can read. The books ask for each row once."""

    def counter(self, key: str) -> tuple[int, int, int | None] | None:
        """Return a quota's `used, out, period_end`; `None` if there is no row."""
        ...

    def bucket(self, key: str) -> BucketRow | None:
        """Return a rate's row, or `None`."""
        ...

    def lease(self, id_: str) -> LeaseRow | None:
        """Return a lease's row, or `None`."""
        ...

    def overdue(self, bucket: str, now_us: int) -> Iterable[str]:
        """Return the ids of a bucket's open leases that count as spent, the oldest first."""
        ...

    def event(self, scope: str, key: str) -> EventRow | None:
        """Return the event or void that first used a key, or `None`."""
        ...

    def event_by_id(self, scope: str, id_: str) -> EventRow | None:
        """Return the event (never a void) with an id, or `None`."""
        ...

"""What a backend implements. The docstrings here are the contract; the shipped suites test them.

A backend offers some of four roles: *records* (the system of record, an SQL database), *ledger*
(usage counters and leases), *kv* (a second-level cache) and *feed* (what changed). Denial is a value,
failure is an exception: every method raises `StoreUnavailableError` when the store cannot be reached or
cannot write, and nothing has changed unless the method says otherwise. All methods may be called
concurrently, from one event loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Sequence

    from sqlalchemy.ext.asyncio import AsyncEngine

    from dream_gateway.gcra import Rate

RATE_LEASE_SPEND_SECONDS = 10.0
"""How long a worker may spend from a rate lease, by its own monotonic clock, from before it asked."""

RATE_LEASE_SETTLE_SECONDS = 60.0
"""After how long, by its own clock, a ledger counts an open rate lease as spent. Never as unspent."""


SHARDS = 1024
"""Into how many parts a ledger may be split."""


def shard_of(name: str) -> int:
    """Return the shard of a counter or a scope, from 0 to `SHARDS - 1`: the same one for ever.

    Names with the same text before their first `/` are one group, and a group is never split:
    what one call ties together, an event's charges and its scope, is of one group. A gateway's group
    is the project. CRC-32 (ISO/IEC 13239) of the group, modulo `SHARDS`.
    """
    return crc32(name.partition("/")[0].encode()) % SHARDS


class Role(StrEnum):
    """What a backend can be asked for."""

    RECORDS = "records"
    LEDGER = "ledger"
    KV = "kv"
    FEED = "feed"


@dataclass(frozen=True, slots=True)
class Quota:
    """A counter's rule: at most `limit` units (`None`: unlimited), ever.

    The period is part of the counter's key. `period_end` (seconds since the epoch, `None` for a
    lifetime) only tells when the counter's row is history and may be pruned.
    """

    limit: int | None
    period_end: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish to take `wanted` units of `counter` on lease; fewer than `at_least` are no use.

    `lease` is unique for ever and made by the worker. `1 <= at_least <= wanted`.
    """

    lease: str
    counter: str
    rule: Quota | Rate
    wanted: int
    at_least: int


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to a claim. A `granted` of 0 is a denial, and has changed nothing.

    `used` and `out` are the counter's settled units and units on lease, this grant's included.
    `remaining` is what could still be taken (`None`: unlimited). `retry_after` is in seconds: for a
    rate that denied, when the claim would fit; `None` when no waiting helps or none is needed.
    """

    lease: str
    granted: int
    used: int
    out: int
    remaining: int | None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """The end of a lease: `spent` of its units were used. `None`: not known, so all of them were.

    `shard` is `shard_of` its counter, so that a store of several machines knows where the lease is.
    """

    lease: str
    spent: int | None
    shard: int


@dataclass(frozen=True, slots=True)
class Refund:
    """Units of a quota that were settled as used, and are not after all; `id` is unique for ever."""

    id: str
    counter: str
    units: int


@dataclass(frozen=True, slots=True)
class Charge:
    """A cost an event puts on one counter."""

    counter: str
    rule: Quota | Rate


@dataclass(frozen=True, slots=True)
class Event:
    """A usage event with an idempotency key, unique in its `scope` (a project's id).

    `id` is the event's public id if it is recorded. `fingerprint` is a digest of what was asked, to
    tell a repeat from a different request under the same key. `cost` is put on every charge, or on
    none; the counters are of the scope's group (`shard_of`). `at` is seconds since the epoch.
    `subject` is whose event it is: an opaque reference.
    """

    id: str
    scope: str
    key: str
    fingerprint: str
    subject: str
    cost: int
    charges: tuple[Charge, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Void:
    """Takes back `amount` units (`None`: all that is left) of the recorded event `event`.

    Only quotas are credited: a rate has moved on. Like an event it has a key, unique in its scope.
    """

    id: str
    scope: str
    key: str
    fingerprint: str
    event: str
    amount: int | None
    at: float


class Outcome(StrEnum):
    """What became of an event. Only `RECORDED` changed anything."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    DENIED = "denied"
    UNKNOWN = "unknown"
    EXCEEDS = "exceeds"


@dataclass(frozen=True, slots=True)
class Tally:
    """A counter's settled units and units out on lease. An unknown counter is at zero."""

    used: int = 0
    out: int = 0


@dataclass(frozen=True, slots=True)
class Recorded:
    """The answer to an event or a void.

    `DUPLICATE`: the key was used before for the same request; `id`, `cost` and `tallies` are the
    first result's. `CONFLICT`: it was used for another request. `DENIED`: charge number `denied_by`
    does not fit; `retry_after` (seconds) says when it would, if waiting helps. `UNKNOWN`: a void of
    an event that is not in its scope. `EXCEEDS`: a void of more than is left of its event. `cost` is the
    units charged, or for a void taken back. `tallies` are the counters after it, charge by charge.
    """

    outcome: Outcome
    id: str
    cost: int = 0
    tallies: tuple[Tally, ...] = ()
    subject: str = ""
    denied_by: int | None = None
    retry_after: float | None = None


class Ledger(Protocol):
    """Usage counters, leases and idempotent events. Each verb is atomic and durable on return.

    A batch is one transaction where the store has them; where it has not, each element is atomic by
    itself. Elements of one batch are applied in order. Answers come in the order of the batch.
    Rates read the ledger's own clock.
    """

    async def identity(self) -> str:
        """Return a name of this ledger's data, made once, the same for every worker and node."""
        ...

    async def take(self, claims: Sequence[Claim]) -> list[Grant]:
        """Grant each claim all of `wanted`, or what fits down to `at_least`, or 0.

        For a quota, `used + out` never passes `limit`, whatever runs at the same time. For a rate,
        see `dream_gateway.gcra`. A granted lease is open until it is given back. The same lease id
        again gets the same `granted` (the other numbers are current) and takes nothing; a lease that
        is closed already is granted 0. A denied claim leaves no trace.
        """
        ...

    async def give_back(self, returns: Sequence[Return]) -> None:
        """Close leases: `spent` units become used, the rest can be taken again at once.

        A lease counts once, ever: a repeat changes nothing. `spent` above what was granted counts
        as all of it. An id never seen is remembered as closed, so that its claim, still on its way
        from a worker that died, is granted nothing. Closed ids are remembered for at least an hour.
        """
        ...

    async def refund(self, refunds: Sequence[Refund]) -> None:
        """Take units of quotas back; they can be taken again at once.

        A refund counts once: a repeat of its id changes nothing, for at least an hour. No counter
        falls below nothing used. A counter never seen, or a rate, which has moved on, stays as it is.
        """
        ...

    async def record(self, events: Sequence[Event | Void]) -> list[Recorded]:
        """Charge each event on all its counters, or on none; the first use of a key wins.

        A denied event leaves no trace, so its key may be tried again. A void is bounded by what it
        voids, over all voids of that event together.
        """
        ...

    async def usage(self, counters: Sequence[str]) -> list[Tally]:
        """Return each counter's tally; those of one group as of one moment."""
        ...

    async def prune(self, before: float, limit: int) -> int:
        """Delete at most `limit` rows of history and return how many went.

        History is: quotas whose period ended before `before` (seconds since the epoch) and have
        nothing on lease, events older than that, closed lease ids older than an hour.
        """
        ...


@runtime_checkable
class Split(Protocol):
    """What a ledger on several machines offers beside its verbs, so that each may fail by itself.

    A call about counters of one part is answered, or fails, whatever the others do.
    """

    def part(self, shard: int) -> Hashable:
        """Return which part has a shard (`shard_of`) just now. Never blocks."""
        ...


class KeyValue(Protocol):
    """A cache shared by nodes: entries may vanish at any time, and expire by themselves."""

    async def get(self, key: str) -> bytes | None:
        """Return the value, or `None` if there is none any more."""
        ...

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        """Store a value for `ttl` seconds, over any other."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove keys; one that is not there is no error."""
        ...


class Subject(StrEnum):
    """What a change is about; `ALL` means: whatever you know may be wrong."""

    CREDENTIAL = "credential"
    CUSTOMER = "customer"
    TIER = "tier"
    PROJECT = "project"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Change:
    """Something in the records changed; `ref` is its id (a tier's is its project's id)."""

    subject: Subject
    ref: str


class ChangeFeed(Protocol):
    """Tells every worker what changed in the records, within a second.

    Every write to the records inserts its changes into the table `changes` in the same
    transaction; a feed over the same database reads that table, and needs no `publish`.
    """

    async def publish(self, changes: Sequence[Change]) -> None:
        """Announce changes that are committed. At least once; the order is the callers'."""
        ...

    def follow(self) -> AsyncIterator[Sequence[Change]]:
        """Yield changes made after the first step of the iteration, in batches, for ever.

        The first batch is yielded at once and is empty: from then on nothing is missed. A batch
        may be empty later too: a sign of life, at least twice a second. If changes may have been
        missed, yields `Subject.ALL`. Raises `StoreUnavailableError` when the feed is lost; the caller
        starts again, and must take it that anything changed meanwhile.
        """
        ...


class Backend(Protocol):
    """An opened store: the roles it offers and one object for each.

    Asking for a role that `roles` does not have raises `ConfigurationError`.
    """

    roles: frozenset[Role]
    durability: str
    """A sentence for people: what a crash of the process, and of the machine, can lose."""

    shareable: bool
    """Whether several processes may open it at once."""

    persistent: bool
    """Whether what was answered survives the end of the process that asked, `kill -9` included."""

    async def start(self) -> None:
        """Open what needs opening, creating the backend's own tables, safe with many starting."""
        ...

    async def close(self) -> None:
        """Finish what is under way and release everything. Safe to call twice."""
        ...

    def records_engine(self) -> AsyncEngine:
        """Return the SQLAlchemy engine of the records; the backend disposes of it."""
        ...

    def ledger(self) -> Ledger:
        """Return the ledger."""
        ...

    def kv(self) -> KeyValue:
        """Return the shared cache."""
        ...

    def feed(self) -> ChangeFeed:
        """Return the change feed."""
        ...

    def journal_dir(self) -> str | None:
        """Return where this store's lease journals belong on this machine; `None`: no opinion."""
        ...

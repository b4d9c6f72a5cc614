"""Usage events with an idempotency key, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dream_gateway.gcra import Rate
    from dream_gateway.storage.leases import Quota, Tally


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

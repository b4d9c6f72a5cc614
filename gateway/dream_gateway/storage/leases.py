"""Counters, and units of them on lease: what is claimed, granted, given back and refunded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dream_gateway.gcra import Rate


RATE_LEASE_SPEND_SECONDS = 10.0
"""How long a worker may spend from a rate lease, by its own monotonic clock, from before it asked."""

RATE_LEASE_SETTLE_SECONDS = 60.0
"""After how long, by its own clock, a ledger counts an open rate lease as spent. Never as unspent."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A counter's rule: at most `limit` units (`None`: unlimited), ever.

    The period is part of the counter's key. `period_end` (seconds since the epoch, `None` for a
    lifetime) only tells when the counter's row is history and may be pruned.
    """

    limit: int | None
    period_end: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """A counter's settled units and units out on lease. An unknown counter is at zero."""

    used: int = 0
    out: int = 0


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

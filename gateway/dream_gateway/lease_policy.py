"""How big leases are to be, and how long what the ledger said of a counter holds.

Without I/O; times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway.counter import NEVER
from dream_gateway.storage import RATE_LEASE_SPEND_SECONDS, Quota

if TYPE_CHECKING:
    from dream_gateway.counter import Counter, Lease
    from dream_gateway.storage import Grant


@dataclass(frozen=True, slots=True)
class MeterOptions:
    """How big leases are, and for how long they are held. Times are seconds."""

    seconds: float = 1.0
    share: float = 0.25
    most: int = 100_000
    idle: float = 1.0
    age: float = 5.0
    deny_ttl: float = 1.0
    workers: int = 1
    strict: bool = False


def wanted(counter: Counter, options: MeterOptions, need: int, unit: int = 1) -> int:
    """Return how much to take: about the traffic of the lease time, in whole requests."""
    if options.strict:
        return need
    size = min(counter.size, options.most)
    if counter.room is not None:
        size = min(size, int(counter.room * options.share / options.workers))
    return max(need, size - size % unit)


def resize(counter: Counter, options: MeterOptions, lease: Lease, now: float) -> None:
    """Double the next lease while they last less than the lease time, halve it when longer."""
    previous, counter.granted_at = counter.granted_at, lease.opened
    if now - previous < options.seconds:
        counter.size = min(options.most, max(counter.size, lease.granted) * 2)
    else:
        counter.size = max(1, counter.size // 2)


def remember_denial(counter: Counter, options: MeterOptions, grant: Grant, now: float) -> None:
    """Have the counter deny what the ledger has just not had, for as long as that may be so."""
    counter.denied_cost = counter.available + (grant.remaining or 0) + 1
    if isinstance(counter.rule, Quota):
        others = grant.out - counter.available
        # While others hold units that may come back, each request asks again.
        ttl = options.deny_ttl if others <= 0 else 0.0
        counter.retry_at = None
    else:
        ttl = min(grant.retry_after or 0.0, options.deny_ttl)
        counter.retry_at = None if grant.retry_after is None else now + grant.retry_after
    counter.denied_until = now + ttl


def expiry(counter: Counter, lease: Lease) -> float:
    """Return until when a lease may be spent from."""
    if isinstance(counter.rule, Quota):
        return NEVER
    return lease.opened + RATE_LEASE_SPEND_SECONDS


def limits_differ(counter: Counter, other: Counter) -> bool:
    """Return whether leases taken under the one's rule are worth nothing under the other's."""
    if isinstance(counter.rule, Quota) and isinstance(other.rule, Quota):
        return counter.rule.limit != other.rule.limit
    return True

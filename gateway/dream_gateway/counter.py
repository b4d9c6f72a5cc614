"""One counter as a worker sees it: the leases it holds, and what the ledger last said.

Plain state without I/O; `dream_gateway.meter` moves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway.storage import Quota

if TYPE_CHECKING:
    from dream_gateway.gcra import Rate
    from dream_gateway.model import Period
    from dream_gateway.storage import Grant, Tally
    from dream_gateway.waiting import Pending

NEVER = float("inf")

Owner = tuple[str, str]
"""The ids of a project and of a customer of it."""


@dataclass(slots=True)
class Lease:
    """Units taken from the ledger: `granted` of them, open until given back."""

    id: str
    slot: int
    shard: int
    granted: int
    opened: float
    """Monotonic seconds from before the ledger was asked."""


class Counter:
    """A counter's handle. `available` units can be spent at once, without asking anybody."""

    __slots__ = (
        "__weakref__",
        "asking",
        "available",
        "beyond",
        "cell",
        "denied_cost",
        "denied_until",
        "expires",
        "granted_at",
        "included",
        "key",
        "lease",
        "low",
        "name",
        "noted",
        "owner",
        "period",
        "reserve",
        "retry_at",
        "room",
        "rule",
        "seen_spent",
        "size",
        "spent",
        "total",
        "waiters",
    )

    def __init__(
        self,
        key: str,
        name: str,
        rule: Quota | Rate,
        period: Period | None,
        owner: Owner | None = None,
    ) -> None:
        self.key = key
        self.name = name
        self.rule = rule
        self.period = period
        self.included: int | None = None
        """Units that the price includes, where use beyond them is paid for and never refused."""
        self.owner = owner
        """Whose units are told by what is spent of it: of a customer's counters, one has an owner."""
        self.noted = 0
        """Units spent of the lease that are noted as their owner's."""
        self.available = 0
        self.spent = 0
        self.cell = 0
        """Where the journal keeps what is spent of the lease."""
        self.low = -1
        self.expires = NEVER
        self.lease: Lease | None = None
        self.reserve: Lease | None = None
        self.beyond = 0
        """Units left beside the lease in use, as of the last exchange: in reserve or in the ledger."""
        self.asking = False
        self.waiters: dict[Pending, None] = {}
        """Those who wait for its next lease, in their order."""
        self.size = 1
        self.seen_spent = -1
        self.total = 0
        self.room: int | None = None
        self.denied_cost = 0
        self.denied_until = -NEVER
        self.granted_at = -NEVER
        self.retry_at: float | None = None

    @property
    def limit(self) -> int | None:
        """The most units in a period, or in a burst; `None` when unlimited."""
        return self.rule.limit if isinstance(self.rule, Quota) else self.rule.burst

    def used(self) -> int:
        """Return the units used as of the last exchange with the ledger, and by us since."""
        return max(0, self.total - self.unspent())

    def unspent(self) -> int:
        """Return the units that are here on lease, and not spent."""
        reserved = self.reserve.granted if self.reserve is not None else 0
        return self.available + reserved

    def remaining(self) -> int | None:
        """Return the units left as of the last exchange; `None` when unlimited."""
        if self.limit is None:
            return None
        return self.available + self.beyond

    def denies(self, cost: int, now: float) -> bool:
        """Return whether the ledger has lately said that this cost does not fit."""
        return now < self.denied_until and cost >= self.denied_cost

    def put_by(self, lease: Lease) -> None:
        """Keep a lease in reserve."""
        self.reserve = lease
        self._count_beyond()

    def take_reserve(self) -> Lease | None:
        """Return the lease in reserve, which is nobody's then."""
        lease, self.reserve = self.reserve, None
        self._count_beyond()
        return lease

    def adopt(self, lease: Lease, expires: float) -> None:
        """Spend from this lease from now on."""
        self.lease = lease
        self.cell = lease.slot + 1
        self.available = lease.granted
        self.spent = self.noted = 0
        self.seen_spent = -1
        self.expires = expires
        # Ask for the next one with a quarter left; small leases are not worth asking ahead for.
        self.low = lease.granted // 4 if lease.granted >= 8 else -1

    def drop(self) -> tuple[Lease, int] | None:
        """Stop spending from the lease; return it with what was spent of it."""
        if self.lease is None:
            return None
        lease, spent = self.lease, self.spent
        self.total -= lease.granted - spent
        self.lease = None
        self.available = self.spent = self.noted = 0
        self.low = -1
        self.expires = NEVER
        return lease, spent

    def observe(self, tally: Tally) -> None:
        """Take note of the counter's tally, read without a claim."""
        self.total = tally.used + tally.out
        if self.limit is not None:
            self.room = max(0, self.limit - self.total)
        self._count_beyond()

    def heard(self, grant: Grant) -> None:
        """Take note of what the ledger said of the counter as a whole."""
        self.total = grant.used + grant.out
        self.room = grant.remaining
        self._count_beyond()

    def _count_beyond(self) -> None:
        reserved = self.reserve.granted if self.reserve is not None else 0
        self.beyond = reserved + (self.room or 0)

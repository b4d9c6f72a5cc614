"""The ledger: the role that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.storage.events import Event, Recorded, Void
    from dream_gateway.storage.leases import Claim, Grant, Refund, Return, Tally


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

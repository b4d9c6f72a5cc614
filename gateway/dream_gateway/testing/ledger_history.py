"""Identity, usage and pruning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.storage import Claim, Outcome, Quota, Tally
from dream_gateway.testing.ledger_base import (
    LedgerFixtures,
    back,
    event,
    give,
    quota,
    record_one,
    take_one,
    tally,
    void,
)

if TYPE_CHECKING:
    from dream_gateway.storage import Ledger
    from dream_gateway.testing.clock import FakeClock
    from dream_gateway.testing.ledger_base import OpenLedger

ENDS = 2_000
HOUR = 3_600
MANY = 1_000


def until(lease: str, counter: str, period_end: int | None) -> Claim:
    """Return a claim on a period's counter."""
    return Claim(lease, counter, Quota(10, period_end), 1, 1)


class HistoryContract(LedgerFixtures):
    """`identity`, `usage` and `prune`."""

    async def test_the_identity_stays(
        self, ledger: Ledger, open_ledger: OpenLedger, clock: FakeClock
    ) -> None:
        """And is another ledger's never."""
        name = await ledger.identity()
        assert name
        assert await ledger.identity() == name
        async with open_ledger(clock) as other:
            assert await other.identity() != name

    async def test_usage_comes_in_the_order_asked(self, ledger: Ledger) -> None:
        """An unknown counter is at zero."""
        await take_one(ledger, quota("a", 3, 10, counter="x"))
        await take_one(ledger, quota("b", 4, 10, counter="y"))
        await give(ledger, "b", 4, "y")
        assert await ledger.usage(["y", "none", "x", "y"]) == [
            Tally(4, 0), Tally(0, 0), Tally(0, 3), Tally(4, 0),
        ]  # fmt: skip

    async def test_ended_quotas_are_history(self, ledger: Ledger) -> None:
        """If nothing is on lease; a lifetime never is."""
        await ledger.take([until("a", "s/old", ENDS), until("b", "s/new", ENDS + 1)])
        await ledger.take([until("c", "s/held", ENDS), until("d", "s/ever", None)])
        await ledger.give_back([back(lease, 1) for lease in "abd"])
        assert await ledger.prune(ENDS + 1, MANY) == 1
        kept = [Tally(0, 0), Tally(1, 0), Tally(0, 1), Tally(1, 0)]
        assert await ledger.usage(["s/old", "s/new", "s/held", "s/ever"]) == kept

    async def test_a_lease_outlives_the_pruning_of_others(self, ledger: Ledger) -> None:
        """And settles on its counter afterwards."""
        await take_one(ledger, until("a", "s/held", ENDS))
        await ledger.prune(ENDS + 1, MANY)
        await give(ledger, "a", 1)
        assert await tally(ledger, "s/held") == Tally(1, 0)
        assert await ledger.prune(ENDS + 1, MANY) == 1

    async def test_old_events_are_history(self, ledger: Ledger) -> None:
        """Their keys are free again, and they cannot be voided any more."""
        await record_one(ledger, event("k", 2))
        at = event("k").at
        assert await ledger.prune(at, MANY) == 0
        assert (await record_one(ledger, event("k", 2))).outcome is Outcome.DUPLICATE
        assert await ledger.prune(at + 1, MANY) == 1
        assert (await record_one(ledger, void("v", "k"))).outcome is Outcome.UNKNOWN
        assert (await record_one(ledger, event("k", 2))).outcome is Outcome.RECORDED

    async def test_closed_leases_are_kept_for_an_hour(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        """Of the ledger's own clock: stepping the wall clock forgets none."""
        await take_one(ledger, quota("a", 2, 10))
        await give(ledger, "a", 1)
        clock.step(2 * HOUR)
        clock.advance(HOUR - 1)
        assert await ledger.prune(0, MANY) == 0
        assert (await take_one(ledger, quota("a", 2, 10))).granted == 0
        clock.advance(2)
        assert await ledger.prune(0, MANY) == 1

    async def test_open_leases_are_never_history(self, ledger: Ledger, clock: FakeClock) -> None:
        """Only their owner, or its journal, can say what was spent."""
        await take_one(ledger, quota("a", 2, 10))
        clock.advance(1000 * HOUR)
        assert await ledger.prune(clock.now(), MANY) == 0
        await give(ledger, "a", 1)
        assert await tally(ledger) == Tally(1, 0)

    async def test_pruning_is_bounded(self, ledger: Ledger, clock: FakeClock) -> None:
        """And tells how many rows went, until there are none."""
        await ledger.give_back([back(f"l{n}", 0) for n in range(5)])
        for number in range(4):
            await record_one(ledger, event(f"k{number}", 1))
        clock.advance(HOUR + 1)
        later = event("k").at + 1
        assert [await ledger.prune(later, 4) for _ in range(4)] == [4, 4, 1, 0]
        assert await ledger.prune(later, 0) == 0

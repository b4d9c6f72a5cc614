"""Rates: GCRA with leases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.storage import RATE_LEASE_SETTLE_SECONDS
from dream_gateway.testing.ledger_base import LedgerFixtures, back, give, rate, take_one, tally

if TYPE_CHECKING:
    from dream_gateway.storage import Ledger
    from dream_gateway.testing.clock import FakeClock


class RateContract(LedgerFixtures):
    """`take` and `give_back` on rates. The rate `r` has a burst of 10 and refills 1 a second."""

    async def test_a_burst_fits_from_rest(self, ledger: Ledger) -> None:
        """And not a unit more."""
        grant = await take_one(ledger, rate("a", 15, at_least=1))
        assert (grant.granted, grant.out, grant.remaining) == (10, 10, 0)
        assert (await take_one(ledger, rate("b", 1))).granted == 0

    async def test_a_burst_fits_one_by_one(self, ledger: Ledger) -> None:
        """Also where an emission interval is no whole number of microseconds."""
        claims = [rate(f"l{n}", 1, burst=7, per_second=7) for n in range(8)]
        grants = await ledger.take(claims)
        assert [grant.granted for grant in grants] == [1] * 7 + [0]

    async def test_a_denial_says_how_long_to_wait(self, ledger: Ledger, clock: FakeClock) -> None:
        """And changes nothing: after the wait the claim fits, and not before."""
        await take_one(ledger, rate("a", 10))
        await give(ledger, "a", 10)
        grant = await take_one(ledger, rate("b", 3))
        assert grant.granted == 0
        assert grant.retry_after == pytest.approx(3.0)
        clock.advance(2.99)
        assert (await take_one(ledger, rate("b", 3))).granted == 0
        clock.advance(0.01)
        assert (await take_one(ledger, rate("b", 3))).granted == 3

    async def test_no_wait_helps_more_than_a_burst(self, ledger: Ledger) -> None:
        """So none is told."""
        grant = await take_one(ledger, rate("a", 11))
        assert (grant.granted, grant.retry_after) == (0, None)

    async def test_it_refills_to_the_burst_and_no_further(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        """However long it rests."""
        await take_one(ledger, rate("a", 10))
        await give(ledger, "a", 10)
        clock.advance(1_000_000)
        assert (await take_one(ledger, rate("b", 99, at_least=1))).granted == 10

    async def test_unspent_units_can_be_taken_at_once(self, ledger: Ledger) -> None:
        """Those that were spent cannot."""
        await take_one(ledger, rate("a", 10))
        await give(ledger, "a", 4)
        assert (await take_one(ledger, rate("b", 10, at_least=1))).granted == 6

    async def test_units_on_lease_do_not_refill(self, ledger: Ledger, clock: FakeClock) -> None:
        """They may be spent at any moment, beside whatever is granted then."""
        await take_one(ledger, rate("a", 8))
        clock.advance(RATE_LEASE_SETTLE_SECONDS - 1)
        assert (await take_one(ledger, rate("b", 10, at_least=1))).granted == 2

    async def test_an_old_lease_counts_as_spent(self, ledger: Ledger, clock: FakeClock) -> None:
        """From then on it refills; giving it back comes too late."""
        await take_one(ledger, rate("a", 10))
        clock.advance(RATE_LEASE_SETTLE_SECONDS)
        assert (await tally(ledger, "s/r")).out == 0
        await give(ledger, "a", 0)
        assert (await take_one(ledger, rate("b", 10, at_least=1))).granted == 0
        clock.advance(4)
        assert (await take_one(ledger, rate("c", 10, at_least=1))).granted == 4
        assert (await take_one(ledger, rate("a", 10))).granted == 0

    async def test_pruning_settles_old_leases(self, ledger: Ledger, clock: FakeClock) -> None:
        """A bucket nobody asks for refills too."""
        await take_one(ledger, rate("a", 10))
        clock.advance(RATE_LEASE_SETTLE_SECONDS)
        await ledger.prune(0, 1000)
        clock.advance(10)
        assert (await take_one(ledger, rate("b", 10))).granted == 10

    async def test_the_same_lease_gets_the_same_answer(self, ledger: Ledger) -> None:
        """And takes nothing; once closed it is granted nothing."""
        await take_one(ledger, rate("a", 6))
        assert (await take_one(ledger, rate("a", 6))).granted == 6
        assert (await take_one(ledger, rate("b", 4))).granted == 4
        await ledger.give_back([back("a", 0), back("a", 6)])
        assert (await take_one(ledger, rate("a", 6))).granted == 0
        assert (await take_one(ledger, rate("c", 6))).granted == 6

    async def test_the_wall_clock_does_not_matter(self, ledger: Ledger, clock: FakeClock) -> None:
        """Stepped forward it refills nothing, stepped back it blocks nothing."""
        await take_one(ledger, rate("a", 10))
        await give(ledger, "a", 10)
        clock.step(86_400)
        assert (await take_one(ledger, rate("b", 1))).granted == 0
        clock.step(-2 * 86_400)
        clock.advance(1)
        assert (await take_one(ledger, rate("c", 1))).granted == 1

    async def test_a_changed_rule_holds_at_once(self, ledger: Ledger, clock: FakeClock) -> None:
        """Raised or lowered; a lowered one costs at most the time its burst takes."""
        await take_one(ledger, rate("a", 10))
        await give(ledger, "a", 10)
        assert (await take_one(ledger, rate("b", 5, burst=15))).granted == 5
        await give(ledger, "b", 5)
        assert (await take_one(ledger, rate("c", 1, burst=2))).granted == 0
        clock.advance(1.5)
        assert (await take_one(ledger, rate("d", 2, burst=2))).granted == 0
        clock.advance(0.5)
        assert (await take_one(ledger, rate("d", 2, burst=2))).granted == 2

    async def test_a_clock_that_starts_again_blocks_nobody(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        """After a reboot a bucket is full at the latest after the time of one burst."""
        await take_one(ledger, rate("a", 10))
        await give(ledger, "a", 10)
        clock.set_monotonic(1)
        await take_one(ledger, rate("b", 10))
        clock.advance(10)
        assert (await take_one(ledger, rate("c", 10))).granted == 10

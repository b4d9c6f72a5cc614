"""Quotas: taking and giving back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.errors import InvalidRequestError
from dream_gateway.storage import Claim, Quota, Refund, Tally
from dream_gateway.testing.ledger_base import LedgerFixtures, back, give, quota, take_one, tally

if TYPE_CHECKING:
    from dream_gateway.storage import Ledger
    from dream_gateway.testing.clock import FakeClock


class QuotaContract(LedgerFixtures):
    """`take` and `give_back` on quotas."""

    async def test_it_grants_all_that_is_wanted(self, ledger: Ledger) -> None:
        """And tells the counter's numbers, the grant included."""
        grant = await take_one(ledger, quota("a", 4, 10))
        assert (grant.lease, grant.granted, grant.used, grant.out) == ("a", 4, 0, 4)
        assert (grant.remaining, grant.retry_after) == (6, None)

    async def test_it_grants_what_fits(self, ledger: Ledger) -> None:
        """Down to `at_least`."""
        await take_one(ledger, quota("a", 7, 10))
        grant = await take_one(ledger, quota("b", 5, 10, at_least=3))
        assert (grant.granted, grant.remaining) == (3, 0)

    async def test_it_denies_what_does_not_fit(self, ledger: Ledger) -> None:
        """No waiting helps a quota."""
        await take_one(ledger, quota("a", 7, 10))
        grant = await take_one(ledger, quota("b", 5, 10, at_least=4))
        assert (grant.granted, grant.out, grant.remaining, grant.retry_after) == (0, 7, 3, None)

    async def test_a_denied_claim_leaves_no_trace(self, ledger: Ledger) -> None:
        """Its lease id may even be used again."""
        assert (await take_one(ledger, quota("a", 11, 10))).granted == 0
        assert await tally(ledger) == Tally(0, 0)
        assert (await take_one(ledger, quota("a", 10, 10))).granted == 10

    async def test_an_unlimited_counter_counts(self, ledger: Ledger) -> None:
        """And never denies."""
        grant = await take_one(ledger, quota("a", 1_000_000_000, None))
        assert (grant.granted, grant.remaining) == (1_000_000_000, None)
        assert await tally(ledger) == Tally(0, 1_000_000_000)

    async def test_the_same_lease_gets_the_same_answer(self, ledger: Ledger) -> None:
        """With the current numbers, and takes nothing."""
        await take_one(ledger, quota("a", 4, 10))
        await take_one(ledger, quota("b", 3, 10))
        grant = await take_one(ledger, quota("a", 4, 10))
        assert (grant.granted, grant.out, grant.remaining) == (4, 7, 3)
        twice = await ledger.take([quota("c", 2, 10), quota("c", 2, 10)])
        assert [grant.granted for grant in twice] == [2, 2]
        assert await tally(ledger) == Tally(0, 9)

    async def test_a_closed_lease_is_granted_nothing(self, ledger: Ledger) -> None:
        """Even where there is room."""
        await take_one(ledger, quota("a", 4, 10))
        await give(ledger, "a", 4)
        assert (await take_one(ledger, quota("a", 4, 10))).granted == 0
        assert await tally(ledger) == Tally(4, 0)

    async def test_giving_back_settles(self, ledger: Ledger) -> None:
        """What was spent is used, the rest can be taken at once."""
        await take_one(ledger, quota("a", 10, 10))
        await give(ledger, "a", 3)
        assert await tally(ledger) == Tally(3, 0)
        assert (await take_one(ledger, quota("b", 7, 10))).granted == 7

    async def test_an_unknown_spend_is_all_of_it(self, ledger: Ledger) -> None:
        """Never less than was granted."""
        await take_one(ledger, quota("a", 5, 10))
        await give(ledger, "a", None)
        assert await tally(ledger) == Tally(5, 0)

    async def test_more_than_granted_is_all_of_it(self, ledger: Ledger) -> None:
        """A counter never passes what was taken from it."""
        await take_one(ledger, quota("a", 5, 10))
        await give(ledger, "a", 500)
        assert await tally(ledger) == Tally(5, 0)

    async def test_a_lease_counts_once(self, ledger: Ledger) -> None:
        """A repeat changes nothing, whatever it says; nor does one in the same batch."""
        await take_one(ledger, quota("a", 5, 10))
        await ledger.give_back([back("a", 2), back("a", 5)])
        await give(ledger, "a", 0)
        assert await tally(ledger) == Tally(2, 0)

    async def test_an_id_never_seen_is_remembered_as_closed(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        """For at least an hour, so that its late claim is granted nothing."""
        await give(ledger, "ghost", None)
        clock.advance(3599)
        await ledger.prune(0, 1000)
        assert (await take_one(ledger, quota("ghost", 1, 10))).granted == 0
        assert await tally(ledger) == Tally(0, 0)

    async def test_a_refund_makes_room_at_once_and_counts_once(self, ledger: Ledger) -> None:
        """`refund`: it counts once, and what it gives back can be taken at once."""
        key = quota("a", 10, 10).counter
        await take_one(ledger, quota("a", 10, 10))
        await ledger.give_back([back("a", 10)])
        for _ in range(2):
            await ledger.refund([Refund("r1", key, 3), Refund("r2", key, 1)])
        assert await tally(ledger) == Tally(6, 0)
        assert (await take_one(ledger, quota("b", 4, 10))).granted == 4

    async def test_a_refund_never_makes_less_than_nothing_used(self, ledger: Ledger) -> None:
        """`refund`: no counter falls below nothing, and an unknown one stays unknown."""
        key = quota("a", 10, 10).counter
        await take_one(ledger, quota("a", 10, 10))
        await ledger.give_back([back("a", 2)])
        await ledger.refund([Refund("r1", key, 3), Refund("r2", "s/nobody", 3)])
        assert await ledger.usage([key, "s/nobody"]) == [Tally(), Tally()]
        with pytest.raises(InvalidRequestError):
            await ledger.refund([Refund("r3", key, -1)])

    async def test_a_batch_is_applied_and_answered_in_order(self, ledger: Ledger) -> None:
        """Each sees the one before it."""
        claims = [quota("a", 6, 10), quota("b", 6, 10), quota("c", 4, 10), quota("d", 1, 10)]
        grants = await ledger.take(claims)
        assert [(grant.lease, grant.granted) for grant in grants] == [
            ("a", 6), ("b", 0), ("c", 4), ("d", 0),
        ]  # fmt: skip
        assert [grant.out for grant in grants] == [6, 6, 10, 10]

    async def test_counters_are_apart(self, ledger: Ledger) -> None:
        """And named byte for byte."""
        names = ["q", "Q", "q ", "", "\u00e9", "e\u0301", "%", "q'", "n\x00a", "n\x00b"]
        for number, name in enumerate(names, 1):
            await take_one(ledger, quota(f"l{number}", number, 10, counter=name))
        assert await ledger.usage(names) == [Tally(0, n) for n in range(1, len(names) + 1)]

    async def test_a_raised_limit_holds_at_once(self, ledger: Ledger) -> None:
        """The usage is carried."""
        await take_one(ledger, quota("a", 10, 10))
        assert (await take_one(ledger, quota("b", 5, 15))).granted == 5

    async def test_a_lowered_limit_denies(self, ledger: Ledger) -> None:
        """And nothing is negative."""
        await take_one(ledger, quota("a", 10, 10))
        grant = await take_one(ledger, quota("b", 1, 5))
        assert (grant.granted, grant.out, grant.remaining) == (0, 10, 0)

    async def test_empty_batches_are_fine(self, ledger: Ledger) -> None:
        """They do nothing."""
        assert await ledger.take([]) == []
        assert await ledger.record([]) == []
        assert await ledger.usage([]) == []
        await ledger.give_back([])

    async def test_a_period_that_ends_is_another_counter(self, ledger: Ledger) -> None:
        """A counter does not look at the time, only at its units."""
        past = Claim("a", "s/q", Quota(10, period_end=1), 10, 10)
        assert (await take_one(ledger, past)).granted == 10

    @pytest.mark.parametrize(("wanted", "at_least"), [(0, 0), (1, 0), (1, 2), (-1, -1)])
    async def test_a_senseless_claim_is_refused(
        self, ledger: Ledger, wanted: int, at_least: int
    ) -> None:
        """As is a return of less than nothing; neither changes anything."""
        with pytest.raises(InvalidRequestError):
            await ledger.take([quota("ok", 1, 10), quota("a", wanted, 10, at_least=at_least)])
        with pytest.raises(InvalidRequestError):
            await give(ledger, "ok", -1)
        assert await tally(ledger) == Tally(0, 0)

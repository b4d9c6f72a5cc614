"""Events with idempotency keys, and voids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.errors import InvalidRequestError
from dream_gateway.gcra import Rate
from dream_gateway.storage import Charge, Outcome, Quota, Tally
from dream_gateway.testing.ledger_base import (
    SECOND_US,
    LedgerFixtures,
    event,
    quota,
    record_one,
    take_one,
    tally,
    void,
)

if TYPE_CHECKING:
    from dream_gateway.storage import Ledger
    from dream_gateway.testing.clock import FakeClock

SMALL = Charge("s/small", Quota(3))
LARGE = Charge("s/large", Quota(100))
PACE = Charge("s/pace", Rate(1, SECOND_US, 5))


class EventContract(LedgerFixtures):
    """`record`."""

    async def test_an_event_is_charged_on_every_counter(self, ledger: Ledger) -> None:
        """And settled at once; the tallies come charge by charge."""
        answer = await record_one(ledger, event("k", 2, LARGE, SMALL, PACE))
        assert (answer.outcome, answer.id, answer.cost) == (Outcome.RECORDED, "evt-k", 2)
        assert (answer.subject, answer.denied_by) == ("cus", None)
        assert answer.tallies == (Tally(2, 0), Tally(2, 0), Tally(2, 0))
        assert await ledger.usage(["s/large", "s/small", "s/pace"]) == [Tally(2, 0)] * 3

    async def test_an_event_is_charged_on_all_or_on_none(self, ledger: Ledger) -> None:
        """The first charge that denied is named."""
        answer = await record_one(ledger, event("k", 4, LARGE, PACE, SMALL))
        assert (answer.outcome, answer.denied_by) == (Outcome.DENIED, 2)
        assert (answer.cost, answer.retry_after) == (0, None)
        assert await ledger.usage(["s/large", "s/small", "s/pace"]) == [Tally()] * 3

    async def test_a_rate_that_denies_says_when(self, ledger: Ledger, clock: FakeClock) -> None:
        """If waiting helps."""
        await record_one(ledger, event("a", 4, LARGE, PACE))
        denied = await record_one(ledger, event("b", 3, LARGE, PACE))
        assert (denied.outcome, denied.denied_by) == (Outcome.DENIED, 1)
        assert denied.retry_after == pytest.approx(2.0)
        assert (await record_one(ledger, event("c", 6, PACE))).retry_after is None
        clock.advance(2)
        assert (await record_one(ledger, event("b", 3, LARGE, PACE))).outcome is Outcome.RECORDED
        assert await tally(ledger, "s/large") == Tally(7, 0)

    async def test_units_on_lease_are_not_to_be_had(self, ledger: Ledger) -> None:
        """An event and a lease share one limit."""
        await take_one(ledger, quota("a", 8, 10))
        assert (await record_one(ledger, event("k", 3))).outcome is Outcome.DENIED
        answer = await record_one(ledger, event("k", 2))
        assert (answer.outcome, answer.tallies) == (Outcome.RECORDED, (Tally(2, 8),))

    async def test_the_same_counter_twice_is_charged_twice(self, ledger: Ledger) -> None:
        """And denied if both do not fit."""
        assert (await record_one(ledger, event("a", 2, SMALL, SMALL))).denied_by == 1
        assert await tally(ledger, "s/small") == Tally(0, 0)
        await record_one(ledger, event("b", 1, SMALL, SMALL))
        assert await tally(ledger, "s/small") == Tally(2, 0)

    async def test_a_repeat_returns_the_first_result(self, ledger: Ledger) -> None:
        """As it was then, and charges nothing; also within one batch."""
        first, second = await ledger.record([event("k", 2), event("k", 2)])
        await record_one(ledger, event("other", 5))
        again = await record_one(ledger, event("k", 2))
        for answer in (second, again):
            assert (answer.outcome, answer.id) == (Outcome.DUPLICATE, first.id)
            assert (answer.cost, answer.tallies) == (2, (Tally(2, 0),))
            assert answer.subject == "cus"
        assert await tally(ledger) == Tally(7, 0)

    async def test_a_key_used_for_another_request_conflicts(self, ledger: Ledger) -> None:
        """Told by the fingerprint; nothing is charged."""
        await record_one(ledger, event("k", 2))
        answer = await record_one(ledger, event("k", 3, fingerprint="other"))
        assert answer.outcome is Outcome.CONFLICT
        assert (await record_one(ledger, void("k", "k"))).outcome is Outcome.CONFLICT
        assert await tally(ledger) == Tally(2, 0)

    async def test_keys_are_unique_in_their_scope_only(self, ledger: Ledger) -> None:
        """Two projects may use the same."""
        await record_one(ledger, event("k", 2))
        answer = await record_one(ledger, event("k", 3, scope="another", fingerprint="other"))
        assert answer.outcome is Outcome.RECORDED
        assert await ledger.usage(["s/q", "another/q"]) == [Tally(2, 0), Tally(3, 0)]

    async def test_a_denied_event_leaves_no_trace(self, ledger: Ledger) -> None:
        """Its key may be tried again, with another request too."""
        assert (await record_one(ledger, event("k", 11))).outcome is Outcome.DENIED
        answer = await record_one(ledger, event("k", 10, fingerprint="other"))
        assert answer.outcome is Outcome.RECORDED

    async def test_a_batch_is_applied_in_order_each_on_its_own(self, ledger: Ledger) -> None:
        """One that is denied does not stop the next."""
        answers = await ledger.record([event("a", 6), event("b", 6), event("c", 4), void("d", "a")])
        assert [answer.outcome for answer in answers] == [
            Outcome.RECORDED, Outcome.DENIED, Outcome.RECORDED, Outcome.RECORDED,
        ]  # fmt: skip
        assert await tally(ledger) == Tally(4, 0)

    async def test_a_void_takes_back_what_is_left(self, ledger: Ledger) -> None:
        """From quotas; a rate has moved on."""
        await record_one(ledger, event("k", 3, LARGE, SMALL, PACE))
        answer = await record_one(ledger, void("v", "k"))
        assert (answer.outcome, answer.id, answer.cost) == (Outcome.RECORDED, "void-v", 3)
        assert (answer.tallies, answer.subject) == ((Tally(), Tally(), Tally(3, 0)), "cus")
        assert (await record_one(ledger, event("again", 3, SMALL))).outcome is Outcome.RECORDED

    async def test_voids_are_bounded_together(self, ledger: Ledger) -> None:
        """A partial void leaves the rest; nothing is left after all of it."""
        await record_one(ledger, event("k", 5))
        assert (await record_one(ledger, void("v1", "k", 3))).cost == 3
        assert (await record_one(ledger, void("v2", "k", 3))).outcome is Outcome.EXCEEDS
        assert (await record_one(ledger, void("v2", "k"))).cost == 2
        assert (await record_one(ledger, void("v3", "k"))).outcome is Outcome.EXCEEDS
        assert (await record_one(ledger, void("v4", "k", 1))).outcome is Outcome.EXCEEDS
        assert await tally(ledger) == Tally(0, 0)

    async def test_a_repeated_void_takes_back_once(self, ledger: Ledger) -> None:
        """And returns the first result."""
        await record_one(ledger, event("k", 5))
        await record_one(ledger, void("v", "k", 2))
        answer = await record_one(ledger, void("v", "k", 2))
        assert (answer.outcome, answer.id) == (Outcome.DUPLICATE, "void-v")
        assert (answer.cost, answer.tallies) == (2, (Tally(3, 0),))
        conflict = await record_one(ledger, void("v", "k", 1, fingerprint="other"))
        assert conflict.outcome is Outcome.CONFLICT
        assert await tally(ledger) == Tally(3, 0)

    async def test_an_event_of_nobody_is_unknown(self, ledger: Ledger) -> None:
        """Also one of another scope, and a void; its key stays free."""
        await record_one(ledger, event("k", 5))
        await record_one(ledger, void("v", "k", 1))
        assert (await record_one(ledger, void("x", "never"))).outcome is Outcome.UNKNOWN
        assert (await record_one(ledger, void("x", "k", scope="b"))).outcome is Outcome.UNKNOWN
        assert (await record_one(ledger, void("x", "k"))).outcome is Outcome.RECORDED

    async def test_a_cost_of_nothing_is_recorded(self, ledger: Ledger) -> None:
        """Even where nothing is left."""
        await take_one(ledger, quota("a", 10, 10))
        answer = await record_one(ledger, event("k", 0))
        assert (answer.outcome, answer.tallies) == (Outcome.RECORDED, (Tally(0, 10),))

    async def test_a_negative_cost_is_refused(self, ledger: Ledger) -> None:
        """And nothing beside it is charged."""
        with pytest.raises(InvalidRequestError):
            await ledger.record([event("a", 1), event("k", -1)])
        with pytest.raises(InvalidRequestError):
            await ledger.record([event("a", 1), void("v", "a", -1)])
        assert await tally(ledger) == Tally(0, 0)

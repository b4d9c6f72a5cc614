"""What is made up for when no news came: subscriptions, checkouts, accounts, events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import delete, update
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.billing import reconciler
from dream_gateway.billing.checkout_sessions import ASK_SECONDS
from dream_gateway.billing.reconciler import KEEP_SECONDS, POLL_SECONDS, PRUNE_SECONDS
from dream_gateway.errors import BillingUnavailableError
from dream_gateway.payments import About, Endpoint, Event, When
from dream_gateway.records import accounts, inbox
from dream_gateway.records.billing_schema import payers, prices
from dream_gateway.records.inbox import InboxStatus
from dream_gateway.records.schema import subscriptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from tests.billing.till import Till

    from dream_gateway.payments import Account
    from dream_gateway.records.database import Writer

DAY = 86_400.0


async def lose(till: Till) -> None:
    """Have everything that Stripe wants to tell be lost for ever, and not known to be."""
    for each in till.fake.pending():
        each.status = 200


async def test_a_checkout_that_nobody_told_of_is_asked_for(till: Till) -> None:
    begun = await till.choose("pro")
    till.fake.people.check_out(begun["sessionId"])
    await lose(till)
    await till.reconcile()
    assert await till.plan() == "free"
    till.clock.advance(ASK_SECONDS)
    await till.reconcile()
    assert await till.plan() == "pro"


async def test_an_end_that_nobody_told_of_ends_at_its_instant(till: Till) -> None:
    await till.subscribe("pro")
    (row,) = await till.rows()
    await till.engine.provider.cancel(till.account, row.subscription_id, When.PERIOD_END)
    await till.hear()
    assert row.period_end is not None
    till.clock.set_now(row.period_end)
    await lose(till)
    await till.reconcile()
    assert await till.plan() == "free"
    assert (await till.rows())[0].status == "canceled"


async def test_a_cancellation_that_nobody_told_of_is_known_within_a_day(till: Till) -> None:
    await till.subscribe("pro")
    (row,) = await till.rows()
    await till.engine.provider.cancel(till.account, row.subscription_id, When.NOW)
    await lose(till)
    till.clock.advance(DAY)
    await till.reconcile()
    assert await till.plan() == "free"


async def test_a_renewal_that_nobody_told_of_is_asked_for_after_the_period(till: Till) -> None:
    await till.subscribe("pro")
    (row,) = await till.rows()
    assert row.period_end is not None
    till.clock.set_now(row.period_end + 60)
    await lose(till)
    await till.reconcile()
    (renewed,) = await till.rows()
    assert renewed.period_start == row.period_end
    assert await till.plan() == "pro"


async def test_an_end_holds_though_the_provider_is_away(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    await till.subscribe("pro")
    (row,) = await till.rows()
    await till.engine.provider.cancel(till.account, row.subscription_id, When.PERIOD_END)
    await till.hear()

    async def away(*_: object) -> None:
        raise BillingUnavailableError

    monkeypatch.setattr(till.engine.provider, "subscription", away)
    assert row.period_end is not None
    till.clock.set_now(row.period_end)
    await till.reconcile()
    assert await till.plan() == "free"
    (row,) = await till.rows()
    assert (row.status, row.ask_at) == ("active", till.clock.now() + 120)
    monkeypatch.undo()
    till.clock.advance(120)
    await till.reconcile()
    assert (await till.rows())[0].status == "canceled"


async def test_events_that_did_not_reach_us_are_asked_for(till: Till) -> None:
    await till.subscribe("basic")
    await till.hear()
    await till.choose("pro")
    async with till.gateway.records.write("test") as writer:
        before = len(await inbox.page(writer.connection, None, None, 1_000))
    till.clock.advance(POLL_SECONDS + 1)
    count = len(till.fake.pending())
    assert count > 0
    await till.reconcile()
    async with till.gateway.records.read() as connection:
        found = await inbox.page(connection, None, None, 1_000)
    kept = found[: len(found) - before]
    assert 0 < len(kept) <= count
    assert About.NOTHING not in {each.about for each in kept}
    assert InboxStatus.PENDING not in {each.status for each in found}
    # They come all the same, and are known.
    await till.hear()
    async with till.gateway.records.read() as connection:
        known = await inbox.page(connection, None, None, 1_000)
    assert len(known) == before + count
    assert {each.about for each in known[: len(known) - len(found)]} <= {About.NOTHING}


async def test_events_are_kept_some_at_a_time_and_those_about_nothing_not_at_all(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    def event(number: int, about: About) -> Event:
        account, now = till.account, till.clock.now()
        return Event(f"evt_{number}", "odd", account, now, about, f"sub_{number}", gone=False)

    async def undelivered(account: Account, since: float) -> list[Event]:
        assert since < till.clock.now()
        wanted = [event(number, About.SUBSCRIPTION) for number in range(250)]
        return [event(250, About.NOTHING), *wanted] if account == till.account else []

    sizes = []

    async def keep(endpoint: Endpoint, events: Sequence[Event]) -> None:
        assert endpoint is Endpoint.CONNECT
        sizes.append(len(events))

    monkeypatch.setattr(till.engine.provider, "undelivered", undelivered)
    monkeypatch.setattr(till.engine.inbox, "keep", keep)
    await till.reconcile()
    assert sizes == [100, 100, 50]


async def test_who_gives_no_events_is_waited_for_so_long_only(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def undelivered(account: Account, since: float) -> list[Event]:
        del account, since
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(till.engine.provider, "undelivered", undelivered)
    monkeypatch.setattr(reconciler, "ASK_TIMEOUT_SECONDS", 0.0)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await till.reconcile()


async def test_what_is_old_is_forgotten_once_an_hour(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten = []

    async def prune(writer: Writer, before: float) -> None:
        forgotten.append(writer.now - before)

    monkeypatch.setattr(inbox, "prune", prune)
    for _ in range(5):
        await till.reconcile()
        till.clock.advance(POLL_SECONDS + 1)
    assert forgotten == [KEEP_SECONDS]
    till.clock.advance(PRUNE_SECONDS)
    await till.reconcile()
    assert forgotten == [KEEP_SECONDS] * 2


async def test_a_disconnection_that_nobody_told_of_is_known(till: Till) -> None:
    assert till.account.id is not None
    till.fake.people.revoke(till.account.id)
    await lose(till)
    till.clock.advance(POLL_SECONDS + 1)
    await till.reconcile()
    async with till.gateway.records.read() as connection:
        (owner,) = await accounts.owners(connection, till.account)
    assert (owner.status, owner.sells) == ("deauthorized", False)
    refused = await till.post("/api/create-checkout", tier="pro")
    assert refused.json()["code"] == "billing_account_missing"


async def test_an_account_that_is_connected_again_is_asked_for_everything(till: Till) -> None:
    await till.subscribe("pro")
    (row,) = await till.rows()
    assert till.account.id is not None
    till.fake.people.revoke(till.account.id)
    await till.hear()
    till.fake.people.connected(account=till.account.id)
    await till.engine.provider.cancel(till.account, row.subscription_id, When.NOW)
    await lose(till)
    await till.connect()
    await till.reconcile()
    assert await till.plan() == "free"
    assert (await till.choose("pro"))["change"] == "checkout"


async def test_what_was_imported_is_taken_over_and_asked_for(till: Till) -> None:
    """The system before this one knew the customer and the price, and not the account."""
    await till.subscribe("pro")
    (row,) = await till.rows()
    async with till.gateway.records.write("test") as writer:
        run = writer.connection.execute
        await run(delete(payers))
        await run(delete(prices))
        bare = {"account_id": "", "ask_at": None, "period_end": None, "amount": 0, "version": 1}
        await run(update(subscriptions).values(bare))
    await till.engine.provider.cancel(till.account, row.subscription_id, When.PERIOD_END)
    await till.reconcile()
    (taken,) = await till.rows()
    assert (taken.plan, taken.amount, taken.account_id) == ("pro", 1_900, till.account.id)
    assert taken.cancel_at == taken.period_end == row.period_end
    assert await till.payer() == row.payer_id
    assert await till.plan() == "pro"

"""Customers subscribe, change, stay and go: what Stripe has afterwards; repeats are harmless."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dream_gateway.errors import BillingUnavailableError, ConflictError
from dream_gateway.model import Interval
from dream_gateway.payments import (
    About,
    CatalogueItem,
    CheckoutOrder,
    CheckoutStatus,
    Endpoint,
    Payer,
    ScheduledChange,
    SubscriptionStatus,
    UsageReport,
    When,
)
from dream_gateway_stripe.testing import Card, Moment, Target

if TYPE_CHECKING:
    from dream_gateway.payments import Account, CheckoutSession, Listed, SubscriptionState
    from dream_gateway.testing import FakeClock
    from dream_gateway_stripe.billing import StripeBilling
    from dream_gateway_stripe.testing import FakeStripe

DAY = 86_400
PRO = CatalogueItem("tier/pro", "Pro", 1900, "usd", Interval.MONTH)
TEAM = replace(PRO, ref="tier/team", name="Team", amount=4900)
YEAR = replace(PRO, ref="tier/pro-year", interval=Interval.YEAR, amount=19_000)
METERED = replace(PRO, ref="tier/metered", overage=5, overage_per=100)


class Shop:
    """One account, what is on sale in it, and one customer."""

    def __init__(self, billing: StripeBilling, fake: FakeStripe, account: Account) -> None:
        self.billing, self.fake, self.account = billing, fake, account
        self.customer = ""

    async def open(self) -> Shop:
        payer = Payer("cust_1", "ada@example.com", "Ada", {"customer": "cust_1"})
        self.customer = await self.billing.customer(self.account, payer)
        return self

    async def listed(self, item: CatalogueItem) -> Listed:
        return await self.billing.list_item(self.account, item)

    async def prices(self, item: CatalogueItem) -> tuple[str, ...]:
        listed = await self.listed(item)
        overage = listed.overage_price_id
        return (listed.price_id,) if overage is None else (listed.price_id, overage)

    async def checkout(
        self, item: CatalogueItem, trial_days: int = 0, key: str = "1"
    ) -> CheckoutSession:
        order = CheckoutOrder(
            key=key,
            customer_id=self.customer,
            price_ids=await self.prices(item),
            trial_days=trial_days,
            success_url="https://app.example.com/ok?s={CHECKOUT_SESSION_ID}",
            cancel_url="https://app.example.com/no",
            references={"project": "prj_1", "customer": "cust_1"},
        )
        return await self.billing.checkout(self.account, order)

    async def subscribe(
        self, item: CatalogueItem = PRO, trial_days: int = 0, card: Card = Card.WORKS
    ) -> SubscriptionState:
        session = await self.checkout(item, trial_days)
        self.fake.people.check_out(session.id, card)
        (found,) = await self.billing.subscriptions_of(self.account, self.customer)
        return found

    async def now(self, subscription: SubscriptionState) -> SubscriptionState:
        found = await self.billing.subscription(self.account, subscription.id)
        assert found is not None
        return found

    async def change(
        self, subscription: SubscriptionState, item: CatalogueItem, when: When, key: str = "c"
    ) -> SubscriptionState:
        prices = await self.prices(item)
        return await self.billing.change_plan(self.account, subscription.id, prices, when, key)


@pytest.fixture
async def shop(billing: StripeBilling, fake: FakeStripe, account: Account) -> Shop:
    return await Shop(billing, fake, account).open()


async def test_a_checkout_leads_to_a_subscription(shop: Shop, clock: FakeClock) -> None:
    session = await shop.checkout(PRO)
    assert (await shop.checkout(PRO)).id == session.id
    assert (await shop.checkout(PRO, key="2")).id != session.id
    assert session.url.startswith("http")
    before = await shop.billing.checkout_state(shop.account, session.id)
    assert before is not None
    assert (before.status, before.amount, before.customer_id) == (
        CheckoutStatus.OPEN,
        1900,
        shop.customer,
    )
    shop.fake.people.check_out(session.id)
    after = await shop.billing.checkout_state(shop.account, session.id)
    assert after is not None
    assert (after.status, after.email) == (CheckoutStatus.PAID, "ada@example.com")
    (found,) = await shop.billing.subscriptions_of(shop.account, shop.customer)
    assert found.id == after.subscription_id
    assert found == await shop.now(found)
    assert (found.status, found.amount, found.currency) == (SubscriptionStatus.ACTIVE, 1900, "usd")
    assert (found.interval, found.interval_count, found.quantity) == (Interval.MONTH, 1, 1)
    assert found.price_ids == await shop.prices(PRO)
    assert found.period_start == found.created_at == int(clock.now())
    assert 28 * DAY <= found.period_end - found.period_start <= 31 * DAY


async def test_a_trial_is_free_until_it_ends(shop: Shop) -> None:
    found = await shop.subscribe(trial_days=14)
    assert found.status is SubscriptionStatus.TRIALING
    assert found.trial_end == found.period_end == found.created_at + 14 * DAY
    shop.fake.advance(14 * DAY)
    assert (await shop.now(found)).status is SubscriptionStatus.ACTIVE


async def test_an_upgrade_is_at_once_and_done_once(shop: Shop) -> None:
    found = await shop.subscribe()
    shop.fake.advance(10 * DAY)
    before = len(shop.fake.pending())
    changed = await shop.change(found, TEAM, When.NOW)
    assert (changed.amount, changed.period_end) == (4900, found.period_end)
    assert changed == await shop.now(found)
    told = len(shop.fake.pending())
    assert told > before
    assert await shop.change(found, TEAM, When.NOW) == changed
    assert len(shop.fake.pending()) == told


async def test_an_upgrade_whose_answer_was_lost_is_paid_once(shop: Shop) -> None:
    found = await shop.subscribe()
    shop.fake.advance(10 * DAY)
    path = f"/v1/subscriptions/{found.id}"
    shop.fake.fail(path, status=429, moment=Moment.AFTER)
    with pytest.raises(BillingUnavailableError):
        await shop.change(found, TEAM, When.NOW)
    changed = await shop.change(found, TEAM, When.NOW)
    assert changed.amount == 4900
    assert shop.account.id is not None
    books = shop.fake.world.books(shop.account.id, live=False)
    reasons = [i["billing_reason"] for i in books.all("invoice") if i["customer"] == shop.customer]
    assert reasons.count("subscription_update") == 1


async def test_an_upgrade_that_cannot_be_paid_changes_nothing(shop: Shop) -> None:
    found = await shop.subscribe()
    shop.fake.advance(DAY)
    shop.fake.people.use_card(shop.customer, Card.DECLINES)
    with pytest.raises(ConflictError, match="refused"):
        await shop.change(found, TEAM, When.NOW)
    assert await shop.now(found) == found


async def test_an_upgrade_that_cannot_be_paid_leaves_what_was_scheduled(shop: Shop) -> None:
    found = await shop.subscribe(TEAM)
    max_ = replace(TEAM, ref="tier/max", amount=9900)
    shop.fake.advance(DAY)
    shop.fake.people.use_card(shop.customer, Card.DECLINES)
    ends = await shop.billing.cancel(shop.account, found.id, When.PERIOD_END)
    with pytest.raises(ConflictError, match="refused"):
        await shop.change(found, max_, When.NOW)
    assert await shop.now(found) == ends
    waiting = await shop.change(found, PRO, When.PERIOD_END)
    assert waiting.scheduled is not None
    with pytest.raises(ConflictError, match="refused"):
        await shop.change(found, max_, When.NOW, "d")
    assert await shop.now(found) == waiting


async def test_an_upgrade_drops_what_was_scheduled(shop: Shop) -> None:
    found = await shop.subscribe()
    await shop.billing.cancel(shop.account, found.id, When.PERIOD_END)
    changed = await shop.change(found, TEAM, When.NOW)
    assert (changed.amount, changed.cancel_at, changed.canceled_at) == (4900, None, None)
    await shop.change(found, PRO, When.PERIOD_END)
    max_ = replace(TEAM, ref="tier/max", amount=9900)
    dropped = await shop.change(found, max_, When.NOW, "d")
    assert (dropped.amount, dropped.scheduled) == (9900, None)
    shop.fake.advance(found.period_end - shop.fake.clock.now() + 60)
    assert (await shop.now(found)).amount == 9900


async def test_a_downgrade_waits_for_the_period_and_then_lets_go(shop: Shop) -> None:
    found = await shop.subscribe(TEAM)
    (pro,) = await shop.prices(PRO)
    for _ in range(2):
        waiting = await shop.change(found, PRO, When.PERIOD_END)
        assert waiting.scheduled == ScheduledChange(pro, found.period_end)
        assert (waiting.amount, waiting.cancel_at) == (4900, None)
    shop.fake.advance(found.period_end - shop.fake.clock.now() - 60)
    assert (await shop.now(found)).amount == 4900
    shop.fake.advance(120)
    after = await shop.now(found)
    assert (after.amount, after.price_ids, after.scheduled) == (1900, (pro,), None)
    assert after.status is SubscriptionStatus.ACTIVE
    shop.fake.advance(2 * DAY)
    assert (await shop.change(found, TEAM, When.NOW)).amount == 4900


async def test_a_shorter_interval_waits_too(shop: Shop) -> None:
    found = await shop.subscribe(YEAR)
    (pro,) = await shop.prices(PRO)
    waiting = await shop.change(found, PRO, When.PERIOD_END)
    assert waiting.scheduled == ScheduledChange(pro, found.period_end)
    shop.fake.advance(found.period_end - shop.fake.clock.now() + 60)
    after = await shop.now(found)
    assert (after.interval, after.amount) == (Interval.MONTH, 1900)
    assert after.period_end - after.period_start <= 31 * DAY


async def test_a_downgrade_in_a_trial_begins_when_it_ends(shop: Shop) -> None:
    found = await shop.subscribe(TEAM, trial_days=7)
    waiting = await shop.change(found, PRO, When.PERIOD_END)
    assert (waiting.status, waiting.trial_end) == (SubscriptionStatus.TRIALING, found.trial_end)
    shop.fake.advance(7 * DAY + 60)
    after = await shop.now(found)
    assert (after.status, after.amount) == (SubscriptionStatus.ACTIVE, 1900)


async def test_another_wish_drops_what_was_scheduled(shop: Shop) -> None:
    found = await shop.subscribe(TEAM)
    (year,) = await shop.prices(YEAR)
    await shop.change(found, PRO, When.PERIOD_END)
    again = await shop.change(found, YEAR, When.PERIOD_END)
    assert again.scheduled == ScheduledChange(year, found.period_end)
    ends = await shop.billing.cancel(shop.account, found.id, When.PERIOD_END)
    assert (ends.scheduled, ends.cancel_at) == (None, found.period_end)
    back = await shop.change(found, PRO, When.PERIOD_END)
    assert (back.cancel_at, back.scheduled is not None) == (None, True)
    kept = await shop.billing.keep_plan(shop.account, found.id)
    assert (kept.scheduled, kept.cancel_at, kept.amount) == (None, None, 4900)
    assert await shop.billing.keep_plan(shop.account, found.id) == kept
    shop.fake.advance(found.period_end - shop.fake.clock.now() + 60)
    assert (await shop.now(found)).amount == 4900


async def test_the_same_plan_again_is_what_there_is_without_what_was_scheduled(shop: Shop) -> None:
    found = await shop.subscribe()
    await shop.billing.cancel(shop.account, found.id, When.PERIOD_END)
    for when in When:
        assert (await shop.change(found, PRO, when)).cancel_at is None


async def test_cancelled_it_runs_to_its_end_and_can_be_kept_until_then(shop: Shop) -> None:
    found = await shop.subscribe()
    for _ in range(2):
        ends = await shop.billing.cancel(shop.account, found.id, When.PERIOD_END)
        assert (ends.status, ends.cancel_at) == (SubscriptionStatus.ACTIVE, found.period_end)
        assert ends.canceled_at == int(shop.fake.clock.now())
    kept = await shop.billing.keep_plan(shop.account, found.id)
    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    await shop.billing.cancel(shop.account, found.id, When.PERIOD_END)
    shop.fake.advance(found.period_end - shop.fake.clock.now() + 60)
    over = await shop.now(found)
    assert (over.status, over.ended_at) == (SubscriptionStatus.CANCELED, found.period_end)


async def test_what_is_over_stays_over(shop: Shop) -> None:
    found = await shop.subscribe()
    for when in (When.NOW, When.NOW, When.PERIOD_END):
        over = await shop.billing.cancel(shop.account, found.id, when)
        assert over.status is SubscriptionStatus.CANCELED
    for change in (
        shop.change(found, TEAM, When.NOW),
        shop.billing.keep_plan(shop.account, found.id),
    ):
        with pytest.raises(ConflictError, match="ended"):
            await change
    with pytest.raises(ConflictError, match="no such subscription"):
        await shop.billing.cancel(shop.account, "sub_none", When.NOW)
    assert await shop.billing.subscription(shop.account, "sub_none") is None


async def test_overage_follows_the_plan_and_counts_each_report_once(
    shop: Shop, clock: FakeClock
) -> None:
    found = await shop.subscribe(METERED)
    listed = await shop.listed(METERED)
    assert found.price_ids == (listed.price_id, listed.overage_price_id)
    assert found.amount == 1900
    meter = listed.meter or ""
    for identifier, units in (("a", 150), ("b", 60), ("a", 150), ("a", 999)):
        report = UsageReport(identifier, meter, shop.customer, units, clock.now())
        await shop.billing.report(shop.account, report)
    minute = int(clock.now()) // 60 * 60
    span = (minute, minute + 60)
    told = await shop.billing.reported(shop.account, meter, shop.customer, *span)
    assert told == 210
    before = (minute - 120, minute)
    assert await shop.billing.reported(shop.account, meter, shop.customer, *before) == 0
    unknown = UsageReport("c", "mtr_none/none", shop.customer, 1, clock.now())
    with pytest.raises(ConflictError):
        await shop.billing.report(shop.account, unknown)
    plain = await shop.change(found, PRO, When.NOW)
    assert plain.price_ids == await shop.prices(PRO)
    back = await shop.change(found, METERED, When.PERIOD_END, "d")
    assert back.scheduled == ScheduledChange(listed.price_id, found.period_end)
    shop.fake.advance(found.period_end - clock.now() + 60)
    assert (await shop.now(found)).price_ids == found.price_ids


async def test_a_payment_that_fails_and_is_made_up_for(shop: Shop) -> None:
    found = await shop.subscribe()
    shop.fake.people.use_card(shop.customer, Card.DECLINES)
    shop.fake.advance(found.period_end - shop.fake.clock.now() + 60)
    assert (await shop.now(found)).status is SubscriptionStatus.PAST_DUE
    shop.fake.people.use_card(shop.customer, Card.WORKS)
    assert shop.fake.people.pay_open(shop.customer)
    assert (await shop.now(found)).status is SubscriptionStatus.ACTIVE


async def test_what_is_told_and_what_was_lost(shop: Shop, clock: FakeClock) -> None:
    since = clock.now()
    found = await shop.subscribe()
    told = [
        shop.billing.read_event(Endpoint.CONNECT, *shop.fake.signed(each), clock.now())
        for each in shop.fake.pending(Target.CONNECT)
        if each.event["account"] == shop.account.id
    ]
    assert {event.account for event in told} == {shop.account}
    assert (About.SUBSCRIPTION, found.id) in {(event.about, event.ref) for event in told}
    lost = await shop.billing.undelivered(shop.account, since)
    assert [event.id for event in lost] == [event.id for event in told]
    assert list(lost) == told
    assert await shop.billing.undelivered(shop.account, clock.now() + 1) == []


async def test_another_accounts_objects_are_not_there(
    shop: Shop, billing: StripeBilling, fake: FakeStripe
) -> None:
    found = await shop.subscribe()
    other = replace(shop.account, id=fake.people.connected())
    assert await billing.subscription(other, found.id) is None
    assert await billing.subscriptions_of(other, shop.customer) == []
    session = await shop.checkout(PRO)
    assert await billing.checkout_state(other, session.id) is None

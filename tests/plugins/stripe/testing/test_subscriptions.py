"""Subscriptions through their lives: trials, renewals, payments that fail, and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stripe
from tests.plugins.stripe.testing.conftest import DAY

from dream_gateway_stripe.testing import Card, StripeFault

if TYPE_CHECKING:
    from tests.plugins.stripe.testing.conftest import Shop


def period(subscription: stripe.Subscription) -> tuple[int, int]:
    (item,) = subscription["items"].data
    return item.current_period_start, item.current_period_end


async def test_a_checkout_begins_one_and_it_is_renewed(shop: Shop) -> None:
    id_ = await shop.subscribed(await shop.price(2_900), await shop.customer())
    begun = await shop.subscription(id_)
    assert (begun.status, period(begun)) == ("active", (shop.now, shop.now + 31 * DAY))
    assert "customer.subscription.created" in shop.told
    shop.fake.advance(32 * DAY)
    renewed = await shop.subscription(id_)
    assert (renewed.status, period(renewed)[0]) == ("active", period(begun)[1])
    invoice = await shop.invoice(id_)
    assert (invoice.billing_reason, invoice.amount_paid) == ("subscription_cycle", 2_900)
    assert invoice.parent.subscription_details.subscription == id_


async def test_a_trial_warns_ends_and_is_paid_for(shop: Shop) -> None:
    id_ = await shop.subscribed(await shop.price(2_900), await shop.customer(), trial_days=14)
    begun = await shop.subscription(id_)
    assert (begun.status, begun.trial_end) == ("trialing", shop.now + 14 * DAY)
    assert (await shop.invoice(id_)).total == 0
    shop.fake.advance(11 * DAY)
    assert shop.told.count("customer.subscription.trial_will_end") == 1
    shop.fake.advance(4 * DAY)
    after = await shop.subscription(id_)
    assert (after.status, period(after)[0]) == ("active", begun.trial_end)
    assert (await shop.invoice(id_)).amount_paid == 2_900


async def test_a_payment_fails_and_is_tried_until_it_is_given_up(shop: Shop) -> None:
    customer = await shop.customer()
    id_ = await shop.subscribed(await shop.price(2_900), customer)
    shop.fake.people.use_card(customer, Card.DECLINES)
    shop.fake.advance(31 * DAY)
    assert (await shop.subscription(id_)).status == "past_due"
    shop.fake.advance(6 * DAY)
    assert (await shop.invoice(id_)).attempt_count == 3
    shop.fake.advance(2 * DAY)
    ended = await shop.subscription(id_)
    assert (ended.status, ended.cancellation_details.reason) == ("canceled", "payment_failed")
    assert shop.told.count("invoice.payment_failed") == 4


async def test_one_that_is_unpaid_comes_back_by_paying(shop: Shop) -> None:
    shop.fake.world.policy.then = "unpaid"
    customer = await shop.customer()
    id_ = await shop.subscribed(await shop.price(2_900), customer)
    shop.fake.people.use_card(customer, Card.DECLINES)
    shop.fake.advance(70 * DAY)
    assert (await shop.subscription(id_)).status == "unpaid"
    assert not shop.fake.people.pay_open(customer)
    shop.fake.people.use_card(customer, Card.WORKS)
    assert shop.fake.people.pay_open(customer)
    assert (await shop.subscription(id_)).status == "active"


async def test_a_retry_that_works_recovers(shop: Shop) -> None:
    customer = await shop.customer()
    id_ = await shop.subscribed(await shop.price(2_900), customer)
    shop.fake.people.use_card(customer, Card.DECLINES)
    shop.fake.advance(32 * DAY)
    shop.fake.people.use_card(customer, Card.WORKS)
    shop.fake.advance(3 * DAY)
    assert (await shop.subscription(id_)).status == "active"


async def test_an_end_at_the_periods_end_and_back(shop: Shop) -> None:
    id_ = await shop.subscribed(await shop.price(2_900), await shop.customer())
    update = shop.v1.subscriptions.update_async
    ending = await update(id_, {"cancel_at_period_end": True}, shop.options)
    assert (ending.cancel_at, ending.canceled_at) == (period(ending)[1], shop.now)
    kept = await update(id_, {"cancel_at_period_end": False}, shop.options)
    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    await update(id_, {"cancel_at": "min_period_end"}, shop.options)
    shop.fake.advance(31 * DAY)
    ended = await shop.subscription(id_)
    assert (ended.status, ended.ended_at) == ("canceled", period(ending)[1])
    assert shop.told[-1] == "customer.subscription.deleted"
    with pytest.raises(stripe.InvalidRequestError):
        await update(id_, {"cancel_at_period_end": False}, shop.options)


async def test_one_that_is_canceled_is_not_there_to_cancel(shop: Shop) -> None:
    customer = await shop.customer()
    id_ = await shop.subscribed(await shop.price(2_900), customer)
    assert (await shop.v1.subscriptions.cancel_async(id_, None, shop.options)).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await shop.v1.subscriptions.cancel_async(id_, None, shop.options)
    assert caught.value.http_status == 404
    listed = shop.v1.subscriptions.list_async
    assert (await listed({"customer": customer}, shop.options)).data == []
    assert len((await listed({"customer": customer, "status": "all"}, shop.options)).data) == 1


async def test_without_a_card_it_stays_incomplete_and_expires(shop: Shop) -> None:
    wanted = {"customer": await shop.customer(), "items": [{"price": await shop.price(100)}]}
    begun = await shop.v1.subscriptions.create_async(wanted, shop.options)
    assert begun.status == "incomplete"
    shop.fake.advance(DAY)
    assert (await shop.subscription(begun.id)).status == "incomplete_expired"


async def test_a_trial_without_a_card_pauses_and_is_resumed(shop: Shop) -> None:
    agreed = {"end_behavior": {"missing_payment_method": "pause"}}
    session = await shop.session(
        await shop.price(2_900),
        payment_method_collection="if_required",
        subscription_data={"trial_period_days": 7, "trial_settings": agreed},
    )
    done = shop.fake.people.check_out(session.id, None, "ada@example.com")
    shop.fake.advance(8 * DAY)
    assert (await shop.subscription(done["subscription"])).status == "paused"
    assert "customer.subscription.paused" in shop.told
    shop.fake.people.use_card(done["customer"], Card.WORKS)
    resumed = await shop.v1.subscriptions.resume_async(done["subscription"], None, shop.options)
    assert resumed.status == "active"


async def test_a_declined_card_leaves_the_checkout_open(shop: Shop) -> None:
    session = await shop.session(await shop.price(2_900), customer=await shop.customer())
    with pytest.raises(StripeFault, match="declined"):
        shop.fake.people.check_out(session.id, Card.DECLINES)
    assert shop.fake.people.check_out(session.id, Card.WORKS)["status"] == "complete"
    with pytest.raises(StripeFault, match="complete"):
        shop.fake.people.check_out(session.id, Card.WORKS)


async def test_who_is_gone_pays_no_more(shop: Shop) -> None:
    customer = await shop.customer()
    id_ = await shop.subscribed(await shop.price(2_900), customer)
    await shop.v1.customers.delete_async(customer, None, shop.options)
    assert (await shop.subscription(id_)).status == "canceled"
    assert shop.told[-2:] == ["customer.subscription.deleted", "customer.deleted"]


async def test_an_invoice_that_is_open_is_paid_or_never_will_be(shop: Shop) -> None:
    customer = await shop.customer()
    id_ = await shop.subscribed(await shop.price(2_900), customer)
    shop.fake.people.use_card(customer, Card.DECLINES)
    shop.fake.advance(31 * DAY)
    invoices, owed = shop.v1.invoices, (await shop.invoice(id_)).id
    with pytest.raises(stripe.CardError):
        await invoices.pay_async(owed, None, shop.options)
    shop.fake.people.use_card(customer, Card.WORKS)
    assert (await invoices.pay_async(owed, None, shop.options)).status == "paid"
    assert (await shop.subscription(id_)).status == "active"
    for again in (invoices.pay_async, invoices.void_invoice_async):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await again(owed, None, shop.options)
        assert caught.value.code == "invoice_not_open"


async def test_an_invoice_that_is_void_is_not_tried_again(shop: Shop) -> None:
    customer = await shop.customer()
    id_ = await shop.subscribed(await shop.price(2_900), customer)
    shop.fake.people.use_card(customer, Card.DECLINES)
    shop.fake.advance(31 * DAY)
    owed = (await shop.invoice(id_)).id
    assert (await shop.v1.invoices.void_invoice_async(owed, None, shop.options)).status == "void"
    shop.fake.advance(20 * DAY)
    assert (await shop.invoice(id_)).attempt_count == 1

"""Checkouts that are paid once, and what comes after: slow money, refunds, disputes, expiry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe
from tests.plugins.stripe.testing.conftest import PAGE

from dream_gateway_stripe.testing import Card, StripeFault

if TYPE_CHECKING:
    from tests.plugins.stripe.testing.conftest import Shop


async def bought(shop: Shop, card: Card = Card.WORKS) -> Any:
    session = await shop.session(await shop.price(1_250, None), "payment")
    shop.fake.people.check_out(session.id, card)
    expand = {"expand": ["line_items", "payment_intent.latest_charge"]}
    return await shop.v1.checkout.sessions.retrieve_async(session.id, expand, shop.options)


async def test_a_guest_pays(shop: Shop) -> None:
    done = await bought(shop)
    assert (done.status, done.payment_status, done.amount_total) == ("complete", "paid", 1_250)
    assert (done.customer, done.customer_details.email) == (None, "guest@example.com")
    assert done.line_items.data[0].price.unit_amount == 1_250
    assert done.payment_intent.latest_charge.paid


@pytest.mark.parametrize(("succeeds", "status"), [(True, "paid"), (False, "unpaid")])
async def test_slow_money_comes_or_not(shop: Shop, succeeds: bool, status: str) -> None:
    done = await bought(shop, Card.SLOW)
    assert (done.status, done.payment_status) == ("complete", "unpaid")
    shop.fake.people.settle(done.id, succeeds=succeeds)
    retrieve = shop.v1.checkout.sessions.retrieve_async
    assert (await retrieve(done.id, None, shop.options)).payment_status == status
    word = "succeeded" if succeeds else "failed"
    assert shop.told[-1] == f"checkout.session.async_payment_{word}"
    with pytest.raises(StripeFault):
        shop.fake.people.settle(done.id, succeeds=True)


async def test_refunds_go_up_to_the_whole(shop: Shop) -> None:
    intent = (await bought(shop)).payment_intent.id
    shop.fake.people.refund(intent, 250)
    wanted = {"payment_intent": intent}
    made = await shop.v1.refunds.create_async(wanted, shop.options)
    assert made.amount == 1_000
    expand = {"expand": ["latest_charge"]}
    found = await shop.v1.payment_intents.retrieve_async(intent, expand, shop.options)
    assert (found.latest_charge.amount_refunded, found.latest_charge.refunded) == (1_250, True)
    assert shop.told[-1] == "charge.refunded"
    with pytest.raises(stripe.InvalidRequestError):
        await shop.v1.refunds.create_async(wanted, shop.options)


@pytest.mark.parametrize("won", [True, False])
async def test_a_dispute_is_opened_and_closed(shop: Shop, won: bool) -> None:
    intent = (await bought(shop)).payment_intent.id
    dispute = shop.fake.people.dispute(intent)
    found = await shop.v1.disputes.retrieve_async(dispute, {"expand": ["charge"]}, shop.options)
    assert (found.status, found.charge.disputed) == ("needs_response", True)
    shop.fake.people.close_dispute(dispute, won=won)
    closed = await shop.v1.disputes.retrieve_async(dispute, None, shop.options)
    assert closed.status == ("won" if won else "lost")
    assert shop.told[-1] == "charge.dispute.closed"


async def test_a_session_expires_by_itself_or_by_request(shop: Shop) -> None:
    price = await shop.price(1_250, None)
    one = await shop.session(price, "payment", expires_at=shop.now + 1_800)
    two = await shop.session(price, "payment")
    sessions = shop.v1.checkout.sessions
    assert (await sessions.expire_async(two.id, None, shop.options)).status == "expired"
    assert (await sessions.retrieve_async(one.id, None, shop.options)).status == "open"
    shop.fake.advance(1_800)
    assert (await sessions.retrieve_async(one.id, None, shop.options)).status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="expired"):
        await sessions.expire_async(one.id, None, shop.options)
    with pytest.raises(StripeFault):
        shop.fake.people.check_out(one.id)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"expires_at": 1_800_000_060}, "30 minutes"),
        ({"subscription_data": {"trial_period_days": 3}}, "subscription_data"),
        ({"customer": "cus_none"}, "No such customer"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "No such price"),
        ({"success_url": ""}, "success_url"),
    ],
)
async def test_a_session_that_stripe_would_not_open(
    shop: Shop, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=said):
        await shop.session(await shop.price(1_250, None), "payment", **more)


async def test_a_session_of_the_wrong_mode(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="recurring price"):
        await shop.session(await shop.price(100), "payment")
    with pytest.raises(stripe.InvalidRequestError, match="recurring price"):
        await shop.session(await shop.price(100, None))
    with pytest.raises(stripe.InvalidRequestError, match="minimum number"):
        await shop.session(await shop.price(100), subscription_data={"trial_period_days": 0})


async def test_a_link_goes_to_the_fakes_own_page(shop: Shop) -> None:
    session = await shop.session(await shop.price(100))
    assert session.url.startswith(f"{shop.fake.base_url}/c/pay/{session.id}")
    assert session.success_url.startswith(PAGE)

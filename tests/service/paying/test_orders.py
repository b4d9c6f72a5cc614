"""`POST /api/cart/checkout`, `GET /api/orders` and `/api/orders/{id}`, against the fake Stripe."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from dream_gateway.billing.carts import ORDER_SECONDS
from dream_gateway.errors import BillingNotConfiguredError
from dream_gateway.model import Actor
from dream_gateway.payments import Account, CartLine, Payer
from dream_gateway.records import customers, payers
from dream_gateway.records.billing_schema import orders
from dream_gateway_stripe.testing import Card

if TYPE_CHECKING:
    from tests.service.conftest import Tenant
    from tests.service.paying.conftest import Street

    from dream_gateway.testing.clock import FakeClock


async def test_200_a_guest_pays_and_the_stock_is_sold(street: Street) -> None:
    mug = await street.on_sale(inventory=5)
    made = await street.ordered(
        (mug, 2), email="ada@example.com", successUrl="https://shop.example.com/thanks"
    )
    assert made["url"].startswith(street.fake.base_url)
    assert await street.stock(mug) == 3
    order = await street.order(made)
    assert (order["status"], order["amount"], order["currency"]) == ("open", 3998, "eur")
    assert order["lines"] == [
        {"productId": mug["id"], "name": "mug", "quantity": 2, "unitAmount": 1999}
    ]
    street.fake.people.check_out(made["sessionId"])
    await street.news()
    order = await street.order(made)
    assert (order["status"], order["email"]) == ("paid", "ada@example.com")
    assert order["paymentId"].startswith("pi_")
    assert order["settledAt"] is not None
    assert await street.stock(mug) == 3
    listed = (await street.tenant.client.get("/api/orders")).json()
    assert listed == {"data": [order], "nextCursor": None, "hasMore": False}


async def test_an_expired_checkout_gives_the_stock_back(street: Street, clock: FakeClock) -> None:
    mug = await street.on_sale(inventory=5)
    made = await street.ordered((mug, 5))
    assert (await street.buy((mug, 1))).status_code == 409
    clock.advance(ORDER_SECONDS + 1)
    await street.news()
    assert (await street.order(made))["status"] == "expired"
    assert await street.stock(mug) == 5


async def test_without_any_news_the_provider_is_asked(street: Street, clock: FakeClock) -> None:
    mug = await street.on_sale(inventory=5)
    paid, left = await street.ordered((mug, 1)), await street.ordered((mug, 1))
    street.fake.people.check_out(paid["sessionId"])
    clock.advance(ORDER_SECONDS + 61)
    await street.engine.orders.step()
    assert (await street.order(paid))["status"] == "paid"
    assert (await street.order(left))["status"] == "expired"
    assert await street.stock(mug) == 4


@pytest.mark.parametrize(("succeeds", "status", "left"), [(True, "paid", 4), (False, "failed", 5)])
async def test_money_that_takes_its_time(
    street: Street, clock: FakeClock, succeeds: bool, status: str, left: int
) -> None:
    mug = await street.on_sale(inventory=5)
    made = await street.ordered((mug, 1))
    street.fake.people.check_out(made["sessionId"], card=Card.SLOW)
    await street.news()
    assert (await street.order(made))["status"] == "paying"
    clock.advance(ORDER_SECONDS + 61)
    await street.engine.orders.step()
    assert (await street.order(made))["status"] == "paying"
    assert await street.stock(mug) == 4
    street.fake.people.settle(made["sessionId"], succeeds=succeeds)
    await street.news()
    assert (await street.order(made))["status"] == status
    assert await street.stock(mug) == left


async def test_refunds_and_disputes_are_followed(street: Street) -> None:
    mug = await street.on_sale(inventory=5)
    made = await street.ordered((mug, 1))
    street.fake.people.check_out(made["sessionId"])
    await street.news()
    payment = (await street.order(made))["paymentId"]

    async def now() -> tuple[str, int]:
        await street.news()
        order = await street.order(made)
        return order["status"], order["refunded"]

    street.fake.people.refund(payment, 500)
    assert await now() == ("paid", 500)
    dispute = street.fake.people.dispute(payment)
    assert await now() == ("disputed", 500)
    street.fake.people.close_dispute(dispute, won=True)
    assert await now() == ("paid", 500)
    street.fake.people.refund(payment)
    assert await now() == ("refunded", 1999)
    # What was sent out is not in stock because the money went back.
    assert await street.stock(mug) == 4


async def test_news_of_a_refund_that_came_before_those_of_the_payment(street: Street) -> None:
    mug = await street.on_sale()
    made = await street.ordered((mug, 1))
    session = street.fake.people.check_out(made["sessionId"])
    street.fake.people.refund(session["payment_intent"])
    pending = street.fake.pending()
    assert len(pending) > 1
    await street.fake.deliver(
        order=list(reversed(range(len(pending)))),
        duplicate=[0],
        transport=street.transport,
    )
    await street.news()
    assert (await street.order(made))["status"] == "refunded"


async def test_50_carts_at_once_sell_what_there_is(street: Street) -> None:
    mug = await street.on_sale(inventory=7)
    answers = await asyncio.gather(*(street.buy((mug, 1)) for _ in range(50)))
    assert sorted(each.status_code for each in answers) == [200] * 7 + [409] * 43
    assert await street.stock(mug) == 0
    assert len(street.objects("checkout.session")) == 7


class TestRefused:
    """What a page may not have."""

    async def test_422_a_price_that_is_not_the_projects(
        self, street: Street, stranger: Tenant
    ) -> None:
        mug = await street.on_sale()
        for price in ("price_none", await _tier_price(street)):
            answer = await street.buy(({"priceId": price}, 1))
            assert answer.status_code == 422, answer.text
            assert answer.json()["errors"][0]["pointer"] == "/items/0/priceId"
        theirs = {"x-publishable-key": stranger.publishable_key}
        answer = await street.buy((mug, 1), headers=theirs, successUrl="https://evil.example.com/")
        assert answer.status_code == 422

    async def test_422_a_price_of_before(self, street: Street) -> None:
        mug = await street.on_sale()
        body = {"name": "mug", "price": 2999, "currency": "eur"}
        await street.tenant.client.put(f"/api/products/{mug['id']}", json=body)
        await street.pushed()
        assert (await street.buy((mug, 1))).status_code == 422

    @pytest.mark.parametrize("change", [{"price": 2999}, {"currency": "usd"}])
    async def test_409_a_price_that_is_not_the_products_any_more(
        self, street: Street, change: dict[str, object]
    ) -> None:
        mug = await street.on_sale(inventory=1)
        body = {"name": "mug", "price": 1999, "currency": "eur", "inventory": 1, **change}
        await street.tenant.client.put(f"/api/products/{mug['id']}", json=body)
        answer = await street.buy((mug, 1))
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert answer.json()["productId"] == mug["id"]
        assert await street.stock(mug) == 1
        await street.pushed()
        renewed = (await street.tenant.client.get(f"/api/products/{mug['id']}")).json()
        assert (await street.buy((renewed, 1))).status_code == 200

    async def test_422_two_currencies(self, street: Street) -> None:
        mug, cup = await street.on_sale(), await street.on_sale("cup", currency="usd")
        answer = await street.buy((mug, 1), (cup, 1))
        assert answer.json()["errors"] == [
            {
                "pointer": "/items/1/priceId",
                "detail": "All that is paid at once has to be in one currency.",
            }
        ]

    async def test_422_a_foreign_page_to_go_on_to(self, street: Street) -> None:
        mug = await street.on_sale(inventory=1)
        for field in ("successUrl", "cancelUrl"):
            answer = await street.buy((mug, 1), **{field: "https://evil.example.com/"})
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{field}")
        assert await street.stock(mug) == 1

    async def test_422_a_quantity_that_is_none(self, street: Street) -> None:
        mug = await street.on_sale(inventory=1)
        for quantity in (0, -1, 1_000_000):
            assert (await street.buy((mug, quantity))).status_code == 422

    async def test_409_sold_out_names_the_product(self, street: Street) -> None:
        mug = await street.on_sale(inventory=1)
        answer = await street.buy((mug, 1), (mug, 1))
        assert (answer.status_code, answer.json()["productId"]) == (409, mug["id"])
        assert await street.stock(mug) == 1
        assert street.objects("checkout.session") == []

    async def test_409_with_an_account_that_is_gone(self, street: Street) -> None:
        mug = await street.on_sale(inventory=1)
        street.fake.people.revoke(street.account)
        await street.news()
        answer = await street.buy((mug, 1))
        assert (answer.status_code, answer.json()["code"]) == (409, "billing_account_missing")
        assert await street.stock(mug) == 1

    async def test_404_of_somebody_else(self, street: Street, stranger: Tenant) -> None:
        made = await street.ordered((await street.on_sale(), 1))
        answer = await stranger.client.get(f"/api/orders/{made['orderId']}")
        assert answer.status_code == 404
        assert (await stranger.client.get("/api/orders")).json()["data"] == []


async def test_503_while_the_provider_is_away_and_nothing_is_held(street: Street) -> None:
    mug = await street.on_sale(inventory=1)
    street.fake.fail("/v1/checkout/sessions", status=503, times=20)
    answer = await street.buy((mug, 1))
    assert (answer.status_code, answer.json()["code"]) == (503, "billing_unavailable")
    assert await street.stock(mug) == 1


async def test_a_repeat_is_the_same_order(street: Street) -> None:
    mug = await street.on_sale(inventory=5)
    key = {"idempotency-key": "k1"}
    first, again = (
        await street.ordered((mug, 1), headers=key),
        await street.ordered((mug, 1), headers=key),
    )
    assert first == again
    assert await street.stock(mug) == 4
    assert len(street.objects("checkout.session")) == 1
    other = await street.buy((mug, 2), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_who_died_before_telling_anybody_leaves_nothing_held(
    street: Street, clock: FakeClock
) -> None:
    mug = await street.on_sale(inventory=5)
    context = street.engine.carts.placed(
        project=street.tenant.project,
        lines=[CartLine(mug["priceId"], 3)],
        customer=None,
        email=None,
        success_url="https://shop.example.com/",
        cancel_url="https://shop.example.com/",
        actor=Actor("test"),
    )
    placed = await context.__aenter__()
    assert await street.stock(mug) == 2
    # The process is gone here: nothing is told, and nothing undone.
    clock.advance(ORDER_SECONDS + 61)
    await street.engine.orders.step()
    assert await street.stock(mug) == 5
    (row,) = await street.rows(select(orders.c.status).where(orders.c.id == placed.order.id))
    assert row.status == "expired"


async def test_what_nobody_can_ask_about_any_more_gives_its_stock_back(
    street: Street, clock: FakeClock
) -> None:
    mug = await street.on_sale(inventory=5)
    made = await street.ordered((mug, 2))
    street.fake.people.revoke(street.account)
    clock.advance(ORDER_SECONDS + 61)
    await street.engine.orders.step()
    assert (await street.order(made))["status"] == "expired"
    assert await street.stock(mug) == 5


async def test_while_the_provider_is_away_the_stock_stays_held(
    street: Street, clock: FakeClock
) -> None:
    mug = await street.on_sale(inventory=5)
    made = await street.ordered((mug, 2))
    street.fake.people.check_out(made["sessionId"])
    clock.advance(ORDER_SECONDS + 61)
    street.fake.fail("/v1/checkout/sessions", status=503, times=20)
    await street.engine.orders.step()
    assert (await street.order(made))["status"] == "open"
    assert await street.stock(mug) == 3
    street.fake.api.troubles.clear()
    clock.advance(61)
    await street.engine.orders.step()
    assert (await street.order(made))["status"] == "paid"
    assert await street.stock(mug) == 3


async def test_an_order_that_cannot_be_asked_about_holds_up_no_other(
    street: Street, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = await street.on_sale(inventory=5)
    odd, left = await street.ordered((mug, 1)), await street.ordered((mug, 1))
    expire = street.engine.provider.expire

    async def without_keys(account: Account, session_id: str) -> None:
        if session_id == odd["sessionId"]:
            raise BillingNotConfiguredError
        await expire(account, session_id)

    monkeypatch.setattr(street.engine.provider, "expire", without_keys)
    clock.advance(ORDER_SECONDS + 61)
    await street.engine.orders.step()
    assert (await street.order(odd))["status"] == "open"
    assert (await street.order(left))["status"] == "expired"
    monkeypatch.undo()
    clock.advance(61)
    await street.engine.orders.step()
    assert (await street.order(odd))["status"] == "expired"
    assert await street.stock(mug) == 5


async def test_a_customer_of_a_secret_keys(street: Street) -> None:
    mug = await street.on_sale()
    ada = await street.tenant.customer("ada")
    answer = await street.tenant.client.post(
        "/api/cart/checkout",
        json={"items": [{"priceId": mug["priceId"]}]},
        headers={"x-user-id": "ada"},
    )
    assert answer.status_code == 200, answer.text
    order = await street.order(answer.json())
    assert (order["customerId"], order["email"]) == (ada["id"], "ada@example.org")


async def test_a_customer_who_was_deleted_at_the_provider_buys_all_the_same(street: Street) -> None:
    mug, account = await street.on_sale(), Account(street.account, live=False)
    made = await street.tenant.customer("ada")
    payer = await street.engine.provider.customer(account, Payer("ada", None, None, {}))
    async with street.engine.records.write("test") as writer:
        ada = await customers.by_id(writer.connection, street.tenant.project.id, made["id"])
        assert ada is not None
        await payers.add(writer, account, payer, ada)
    street.fake.people.delete_customer(payer)
    answer = await street.tenant.client.post(
        "/api/cart/checkout",
        json={"items": [{"priceId": mug["priceId"]}]},
        headers={"x-user-id": "ada"},
    )
    assert answer.status_code == 200, answer.text
    street.fake.people.check_out(answer.json()["sessionId"])
    await street.news()
    order = await street.order(answer.json())
    assert (order["status"], order["customerId"]) == ("paid", ada.id)


async def test_a_foreign_account_cannot_settle_an_order(street: Street) -> None:
    mug = await street.on_sale()
    made = await street.ordered((mug, 1))
    other = street.fake.people.connected()
    before = await street.order(made)
    (session,) = street.objects("checkout.session")
    await street.tell_of(other, "checkout.session.completed", {**session, "payment_status": "paid"})
    assert await street.order(made) == before


async def _tier_price(street: Street) -> str:
    tiers = (await street.tenant.client.get("/api/tiers")).json()["tiers"]
    found: str = next(tier["priceId"] for tier in tiers if tier["name"] == "pro")
    return found

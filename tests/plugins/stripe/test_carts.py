"""Products paid once, by customers and guests, and what becomes of the money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.errors import BillingAccountError, ConflictError
from dream_gateway.payments import CartLine, CartOrder, CatalogueItem, CheckoutStatus, Payer
from dream_gateway_stripe.testing import Card

if TYPE_CHECKING:
    from dream_gateway.payments import Account, CheckoutSession, CheckoutState, PaymentState
    from dream_gateway.testing import FakeClock
    from dream_gateway_stripe.billing import StripeBilling
    from dream_gateway_stripe.testing import FakeStripe

MUG = CatalogueItem("product/mug", "Mug", 500, "eur")
CAP = CatalogueItem("product/cap", "Cap", 1200, "eur")
HOUR = 3600


class Till:
    """One account that sells mugs and caps."""

    def __init__(self, billing: StripeBilling, fake: FakeStripe, account: Account) -> None:
        self.billing, self.fake, self.account = billing, fake, account

    async def cart(
        self,
        customer_id: str | None = None,
        email: str | None = None,
        *,
        seconds: float = HOUR,
        key: str = "order_1",
    ) -> CheckoutSession:
        mug = await self.billing.list_item(self.account, MUG)
        cap = await self.billing.list_item(self.account, CAP)
        order = CartOrder(
            key=key,
            lines=(CartLine(mug.price_id, 3), CartLine(cap.price_id, 1)),
            success_url="https://shop.example.com/thanks",
            cancel_url="https://shop.example.com/cart",
            references={"order": "order_1"},
            expires_at=self.fake.clock.now() + seconds,
            customer_id=customer_id,
            email=email,
        )
        return await self.billing.cart(self.account, order)

    async def state(self, session: CheckoutSession) -> CheckoutState:
        found = await self.billing.checkout_state(self.account, session.id)
        assert found is not None
        return found

    async def paid(self) -> PaymentState:
        session = await self.cart()
        self.fake.people.check_out(session.id)
        found = await self.payment((await self.state(session)).payment_id)
        assert (found.amount, found.currency, found.refunded) == (2700, "eur", 0)
        return found

    async def payment(self, payment_id: str | None) -> PaymentState:
        assert payment_id is not None
        found = await self.billing.payment(self.account, payment_id)
        assert found is not None
        return found


@pytest.fixture
def till(billing: StripeBilling, fake: FakeStripe, account: Account) -> Till:
    return Till(billing, fake, account)


async def test_a_guest_pays_once(till: Till, clock: FakeClock) -> None:
    session = await till.cart(email="guest@example.com")
    assert session.expires_at == int(clock.now()) + HOUR
    assert (await till.cart(email="guest@example.com")).id == session.id
    before = await till.state(session)
    assert (before.status, before.amount, before.currency) == (CheckoutStatus.OPEN, 2700, "eur")
    till.fake.people.check_out(session.id)
    after = await till.state(session)
    assert (after.status, after.email) == (CheckoutStatus.PAID, "guest@example.com")
    assert (after.customer_id, after.subscription_id) == (None, None)
    assert (await till.payment(after.payment_id)).amount == 2700


async def test_a_customer_pays_as_who_they_are(till: Till) -> None:
    customer = await till.billing.customer(
        till.account, Payer("cust_1", "ada@example.com", None, {})
    )
    session = await till.cart(customer, email="other@example.com")
    till.fake.people.check_out(session.id)
    found = await till.state(session)
    assert (found.customer_id, found.email) == (customer, "ada@example.com")


@pytest.mark.parametrize("succeeds", [True, False])
async def test_money_may_be_on_its_way_for_days(till: Till, succeeds: bool) -> None:
    session = await till.cart(key=f"slow-{succeeds}")
    till.fake.people.check_out(session.id, Card.SLOW)
    assert (await till.state(session)).status is CheckoutStatus.PAYING
    till.fake.people.settle(session.id, succeeds=succeeds)
    told = CheckoutStatus.PAID if succeeds else CheckoutStatus.FAILED
    assert (await till.state(session)).status is told


async def test_a_cart_is_closed_by_us_or_by_time(till: Till) -> None:
    session = await till.cart()
    for _ in range(2):
        await till.billing.expire(till.account, session.id)
        assert (await till.state(session)).status is CheckoutStatus.EXPIRED
    late = await till.cart(seconds=31 * 60, key="order_2")
    till.fake.advance(32 * 60)
    assert (await till.state(late)).status is CheckoutStatus.EXPIRED
    done = await till.cart(key="order_3")
    till.fake.people.check_out(done.id)
    await till.billing.expire(till.account, done.id)
    assert (await till.state(done)).status is CheckoutStatus.PAID
    await till.billing.expire(till.account, "cs_none")


async def test_what_goes_back_is_told(till: Till) -> None:
    paid = await till.paid()
    for amount, refunded in ((700, 700), (None, 2700)):
        till.fake.people.refund(paid.id, amount)
        assert (await till.payment(paid.id)).refunded == refunded
    assert await till.billing.payment(till.account, "pi_none") is None


@pytest.mark.parametrize("won", [True, False])
async def test_a_dispute_holds_unless_it_is_won(till: Till, won: bool) -> None:
    paid = await till.paid()
    assert not paid.disputed
    dispute = till.fake.people.dispute(paid.id)
    assert (await till.payment(paid.id)).disputed
    till.fake.people.close_dispute(dispute, won=won)
    assert (await till.payment(paid.id)).disputed is not won


async def test_nothing_is_sold_in_the_name_of_an_account_that_is_gone(till: Till) -> None:
    session = await till.cart()
    assert till.account.id is not None
    till.fake.people.revoke(till.account.id)
    for work in (till.cart(), till.state(session), till.billing.expire(till.account, session.id)):
        with pytest.raises(BillingAccountError):
            await work


async def test_a_price_of_nobodys_is_refused(till: Till) -> None:
    order = CartOrder(
        key="x",
        lines=(CartLine("price_none", 1),),
        success_url="https://shop.example.com/",
        cancel_url="https://shop.example.com/",
        references={},
        expires_at=till.fake.clock.now() + HOUR,
    )
    with pytest.raises(ConflictError):
        await till.billing.cart(till.account, order)

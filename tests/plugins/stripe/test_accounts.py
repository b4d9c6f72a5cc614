"""Developers' accounts: connected, made, completed, left; and the pages of their customers' portal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dream_gateway.errors import BillingAccountError, InvalidCodeError
from dream_gateway.model import Interval
from dream_gateway.payments import About, Account, CatalogueItem, Endpoint, Payer
from dream_gateway_stripe.testing import Target

if TYPE_CHECKING:
    from dream_gateway.testing import FakeClock
    from dream_gateway_stripe.billing import StripeBilling
    from dream_gateway_stripe.testing import FakeStripe

BACK = "https://service.example.com/oauth/callback"
PRO = CatalogueItem("tier/pro", "Pro", 1900, "usd", Interval.MONTH)


def allowed(billing: StripeBilling, fake: FakeStripe, owner: str, *, live: bool) -> str:
    """Return the code that an owner comes back with."""
    url = billing.connect_url("state-1", BACK, live=live)
    back = urlsplit(fake.people.allow(url, owner))
    query = parse_qs(back.query)
    assert (back.netloc, query["state"]) == ("service.example.com", ["state-1"])
    return query["code"][0]


@pytest.mark.parametrize("live", [False, True])
async def test_an_account_that_exists_is_connected_by_its_owner_in_one_mode(
    billing: StripeBilling, fake: FakeStripe, live: bool
) -> None:
    owner = fake.people.owner()
    account = Account(owner, live)
    with pytest.raises(BillingAccountError):
        await billing.account(account)
    code = allowed(billing, fake, owner, live=live)
    with pytest.raises(InvalidCodeError):
        await billing.connect(code, live=not live)
    found = await billing.connect(code, live=live)
    assert (found.id, found.charges, found.scope) == (owner, True, "read_write")
    assert (await billing.account(account)).charges
    with pytest.raises(InvalidCodeError):
        await billing.connect(code, live=live)
    with pytest.raises(BillingAccountError):
        await billing.account(replace(account, live=not live))
    for _ in range(2):
        await billing.disconnect(account)
        with pytest.raises(BillingAccountError):
            await billing.account(account)


async def test_who_has_no_account_gets_one_and_completes_it(
    billing: StripeBilling, fake: FakeStripe, clock: FakeClock
) -> None:
    back, again = "https://app.example.com/done", "https://app.example.com/again"
    first = await billing.onboard(None, "plt_1", back, again, live=False)
    second = await billing.onboard(None, "plt_1", back, again, live=False)
    assert (first.account_id, first.url != second.url) == (second.account_id, True)
    assert first.expires_at > clock.now()
    account = Account(first.account_id, live=False)
    before = await billing.account(account)
    assert (before.charges, before.details_submitted) == (False, False)
    later = await billing.onboard(first.account_id, "plt_1", back, again, live=False)
    assert fake.people.onboard(later.url) == back
    assert (await billing.account(account)).charges
    other = await billing.onboard(None, "plt_2", back, again, live=False)
    assert other.account_id != first.account_id


async def test_an_owner_who_leaves_is_told_of(
    billing: StripeBilling, fake: FakeStripe, clock: FakeClock, account: Account
) -> None:
    assert account.id is not None
    fake.people.revoke(account.id)
    (told,) = [
        billing.read_event(Endpoint.CONNECT, *fake.signed(each), clock.now())
        for each in fake.pending(Target.CONNECT)
        if each.event["account"] == account.id
    ]
    assert (told.account, told.about, told.ref, told.gone) == (
        account,
        About.ACCOUNT,
        account.id,
        True,
    )


async def test_the_own_account_is_there(billing: StripeBilling) -> None:
    assert billing.operator_account == Account(None, live=True)
    assert (await billing.account(billing.operator_account)).charges
    await billing.disconnect(billing.operator_account)
    assert (await billing.account(billing.operator_account)).charges


class TestPortal:
    async def customer(self, billing: StripeBilling, account: Account) -> str:
        return await billing.customer(account, Payer("cust_1", None, None, {}))

    def configurations(self, fake: FakeStripe, account: Account) -> list[dict[str, Any]]:
        assert account.id is not None
        books = fake.world.books(account.id, live=account.live)
        return list(books.all("billing_portal.configuration"))

    async def test_customers_change_to_what_is_offered_and_cancel_with_the_period(
        self, billing: StripeBilling, fake: FakeStripe, account: Account
    ) -> None:
        customer = await self.customer(billing, account)
        pro = await billing.list_item(account, PRO)
        team = await billing.list_item(account, replace(PRO, ref="tier/team", amount=4900))
        urls = {
            await billing.portal(account, customer, BACK, offers)
            for offers in ((pro, team), (team, pro))
        }
        assert len(urls) == 2
        (found,) = self.configurations(fake, account)
        update = found["features"]["subscription_update"]
        offered = {(p["product"], *p["prices"]) for p in update["products"]}
        assert offered == {(each.product_id, each.price_id) for each in (pro, team)}
        conditions = [each["type"] for each in update["schedule_at_period_end"]["conditions"]]
        assert conditions == ["decreasing_item_amount", "shortening_interval"]
        assert found["features"]["subscription_cancel"]["mode"] == "at_period_end"

    async def test_without_offers_nothing_can_be_changed_to(
        self, billing: StripeBilling, fake: FakeStripe, account: Account
    ) -> None:
        customer = await self.customer(billing, account)
        for _ in range(2):
            await billing.portal(account, customer, BACK)
        (found,) = self.configurations(fake, account)
        assert not found["features"]["subscription_update"]["enabled"]
        pro = await billing.list_item(account, PRO)
        await billing.portal(account, customer, BACK, [pro])
        assert len(self.configurations(fake, account)) == 2

"""GET and POST /c/pay, /p/session, /oauth/authorize, /setup/s and the panel: as somebody clicks."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.plugins.stripe.testing.conftest import DAY, PAGE

from dream_gateway_stripe.testing import Card

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.plugins.stripe.testing.conftest import Shop


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(follow_redirects=False) as client:
        yield client


async def test_somebody_pays(shop: Shop, browser: httpx.AsyncClient) -> None:
    session = await shop.session(await shop.price(2_900))
    page = await browser.get(session.url)
    assert "Plan 2900\n" in page.text
    assert "29.00 USD" in page.text
    assert "per month" in page.text
    assert "no money moves" in page.text
    declined = await browser.post(session.url, data={"card": "declines", "email": "a@example.com"})
    assert (declined.status_code, "declined" in declined.text) == (402, True)
    paid = await browser.post(session.url, data={"card": "works", "email": "a@example.com"})
    assert paid.status_code == 303
    assert paid.headers["location"] == f"{PAGE}/done?id={session.id}"
    assert (await browser.get(session.url)).status_code in (404, 410)
    done = await shop.v1.checkout.sessions.retrieve_async(session.id, None, shop.options)
    assert done.customer_details.email == "a@example.com"
    assert (await shop.subscription(done.subscription)).status == "active"


async def test_a_card_that_is_declined_later(shop: Shop, browser: httpx.AsyncClient) -> None:
    customer = await shop.customer()
    session = await shop.session(await shop.price(2_900), customer=customer)
    assert "email" not in (await browser.get(session.url)).text.replace("ada@example.com", "")
    await browser.post(session.url, data={"card": "later"})
    shop.fake.advance(31 * DAY)
    (found,) = (await shop.v1.subscriptions.list_async({"customer": customer}, shop.options)).data
    assert found.status == "past_due"


async def test_what_is_written_by_others_is_escaped(shop: Shop, browser: httpx.AsyncClient) -> None:
    product: Any = {"product_data": {"name": "<script>alert(1)</script>"}}
    session = await shop.session(await shop.price(100, **product))
    page = await browser.get(session.url)
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_links_that_lead_nowhere(shop: Shop, browser: httpx.AsyncClient) -> None:
    for path in ("/c/pay/cs_none", "/p/session/bps_none", "/setup/s/none"):
        assert (await browser.get(shop.fake.base_url + path)).status_code == 404
    wrong = f"{shop.fake.base_url}/oauth/authorize?client_id=ca_other&response_type=code"
    assert (await browser.get(wrong)).status_code == 400


class Desk:
    """A customer with two plans to choose from, at the portal."""

    def __init__(self, shop: Shop, browser: httpx.AsyncClient) -> None:
        self.shop = shop
        self.browser = browser
        self.small = self.big = self.customer = self.id = self.url = ""

    async def open(self, conditions: tuple[str, ...] = ("decreasing_item_amount",)) -> None:
        """Subscribe to the big plan, and open the portal."""
        shop = self.shop
        self.small, self.big = await shop.price(3_100), await shop.price(6_200)
        self.customer = await shop.customer()
        self.id = await shop.subscribed(self.big, self.customer)
        prices = [
            await shop.v1.prices.retrieve_async(each, None, shop.options)
            for each in (self.small, self.big)
        ]
        update = {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "products": [{"product": each.product, "prices": [each.id]} for each in prices],
            "proration_behavior": "always_invoice",
            "schedule_at_period_end": {"conditions": [{"type": each} for each in conditions]},
        }
        features = {
            "subscription_update": update,
            "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
            "payment_method_update": {"enabled": True},
            "invoice_history": {"enabled": True},
        }
        made = await shop.v1.billing_portal.configurations.create_async(
            {"features": features}, shop.options
        )
        params = {"customer": self.customer, "configuration": made.id, "return_url": PAGE}
        session = await shop.v1.billing_portal.sessions.create_async(params, shop.options)
        self.url = session.url

    async def press(self, act: str, **fields: str) -> httpx.Response:
        """Press a button."""
        return await self.browser.post(
            f"{self.url}/{act}", data={"subscription": self.id, **fields}
        )

    async def text(self) -> str:
        """Return the page."""
        return unescape((await self.browser.get(self.url)).text)

    @property
    async def now(self) -> Any:
        """The subscription as it is."""
        return await self.shop.subscription(self.id)


@pytest.fixture
async def desk(shop: Shop, browser: httpx.AsyncClient) -> Desk:
    made = Desk(shop, browser)
    await made.open()
    return made


async def test_a_customer_cancels_and_comes_back(desk: Desk) -> None:
    assert "62.00 USD per month" in await desk.text()
    assert (await desk.press("cancel")).status_code == 303
    found = await desk.now
    # What the portal decides is an instant, and no flag.
    assert (found.cancel_at, found.cancel_at_period_end) == (desk.shop.now + 31 * DAY, False)
    assert "Ends 2027-02-15" in await desk.text()
    await desk.press("keep")
    assert (await desk.now).cancel_at is None
    await desk.press("cancel")
    desk.shop.fake.advance(31 * DAY)
    assert (await desk.now).status == "canceled"
    assert "Nothing." in await desk.text()


async def test_a_downgrade_waits_and_an_upgrade_does_not(desk: Desk) -> None:
    await desk.press("change", price=desk.small)
    found = await desk.now
    assert (found["items"].data[0].price.id, found.schedule is None) == (desk.big, False)
    assert "with Plan 3100" in await desk.text()
    await desk.press("change", price=desk.big)
    assert (await desk.now).schedule is None
    await desk.press("change", price=desk.small)
    desk.shop.fake.advance(31 * DAY)
    assert (await desk.now)["items"].data[0].price.id == desk.small
    await desk.press("change", price=desk.big)
    assert (await desk.now)["items"].data[0].price.id == desk.big


async def test_what_the_portal_does_not_offer(desk: Desk) -> None:
    other = await desk.shop.price(100)
    assert "not on offer" in (await desk.press("change", price=other)).text
    assert "not yours" in (await desk.press("cancel", subscription="sub_none")).text
    assert "no such thing" in (await desk.press("dance")).text
    assert (await desk.now).cancel_at is None


async def test_another_card_pays_what_is_owed(desk: Desk) -> None:
    desk.shop.fake.people.use_card(desk.customer, Card.DECLINES)
    desk.shop.fake.advance(31 * DAY)
    assert "and pay 62.00 USD" in await desk.text()
    assert (await desk.now).status == "past_due"
    await desk.press("card", card="works")
    assert (await desk.now).status == "active"


async def test_an_owner_connects_on_the_page(shop: Shop, browser: httpx.AsyncClient) -> None:
    url = (
        f"{shop.fake.base_url}/oauth/authorize?client_id={shop.fake.keys().client_id}"
        "&response_type=code&scope=read_write&state=s&redirect_uri=https%3A%2F%2Fgw.example.com%2Fcb"
    )
    assert "owner@example.com" in (await browser.get(url)).text
    answer = await browser.post(url, data={"answer": "allow", "account": shop.account})
    assert re.match(r"https://gw.example.com/cb\?code=ac_\w+&", answer.headers["location"])
    assert answer.headers["location"].endswith("&state=s")
    answer = await browser.post(url, data={"answer": "deny"})
    assert "error=access_denied" in answer.headers["location"]
    before = len(shop.fake.world.accounts)
    await browser.post(url, data={"answer": "allow", "account": "", "email": "new@example.com"})
    assert len(shop.fake.world.accounts) == before + 1


async def test_an_owner_completes_on_the_page(shop: Shop, browser: httpx.AsyncClient) -> None:
    made = await shop.v1.accounts.create_async({"type": "standard"})
    params = {
        "account": made.id,
        "type": "account_onboarding",
        "return_url": f"{PAGE}/done",
        "refresh_url": f"{PAGE}/again",
    }
    link = await shop.v1.account_links.create_async(params)
    assert "cannot take payments" in (await browser.get(link.url)).text
    assert (await browser.post(link.url)).headers["location"] == f"{PAGE}/done"
    late = await shop.v1.account_links.create_async(params)
    shop.fake.advance(301)
    assert (await browser.get(late.url)).headers["location"] == f"{PAGE}/again"


async def test_the_panel_moves_time_and_money(shop: Shop, browser: httpx.AsyncClient) -> None:
    base = shop.fake.base_url
    session = await shop.session(await shop.price(1_250, None), "payment")
    done = shop.fake.people.check_out(session.id, Card.SLOW)
    for act, status in (("arrive", "succeeded"), ("refund", "12.50 USD refunded")):
        answer = await browser.post(f"{base}/panel/{act}", data={"payment": done["payment_intent"]})
        assert answer.status_code == 303
        assert status in (await browser.get(base)).text
    before = shop.now
    await browser.post(f"{base}/panel/advance", data={"days": "7"})
    assert shop.now == before + 7 * DAY
    await browser.post(f"{base}/panel/revoke", data={"account": shop.account, "mode": "test"})
    assert shop.told[-1] == "account.application.deauthorized"
    assert (await browser.post(f"{base}/panel/dance")).status_code == 404

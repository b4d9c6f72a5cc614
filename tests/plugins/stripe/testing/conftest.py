"""A fake Stripe, and the library's own client against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import stripe

from dream_gateway.testing import FakeClock
from dream_gateway_stripe.testing import Card, FakeStripe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DAY = 86_400
PAGE = "https://shop.example.com"


@dataclass
class Shop:
    """A seller with a connected account, as the platform sees it."""

    fake: FakeStripe
    client: stripe.StripeClient
    account: str
    v1: Any
    options: Any

    async def price(self, amount: int, interval: str | None = "month", **more: Any) -> str:
        """Return a new price of a new product."""
        recurring = {"recurring": {"interval": interval}} if interval else {}
        product = {"product_data": {"name": f"Plan {amount}"}}
        params = {"currency": "usd", "unit_amount": amount, **product, **recurring, **more}
        return str((await self.v1.prices.create_async(params, self.options)).id)

    async def customer(self) -> str:
        """Return a new customer, who has no card yet."""
        params = {"email": "ada@example.com"}
        return str((await self.v1.customers.create_async(params, self.options)).id)

    async def session(self, price: str, mode: str = "subscription", **more: Any) -> Any:
        """Open a checkout."""
        params = {
            "mode": mode,
            "line_items": [{"price": price, "quantity": 1}],
            "success_url": f"{PAGE}/done?id={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{PAGE}/plans",
            **more,
        }
        return await self.v1.checkout.sessions.create_async(params, self.options)

    async def subscribed(
        self, price: str, customer: str, card: Card = Card.WORKS, trial_days: int | None = None
    ) -> str:
        """Return the id of a subscription that was begun by a checkout."""
        data: dict[str, Any] = (
            {"subscription_data": {"trial_period_days": trial_days}} if trial_days else {}
        )
        session = await self.session(price, customer=customer, **data)
        return str(self.fake.people.check_out(session.id, card)["subscription"])

    async def subscription(self, id_: str) -> Any:
        """Return a subscription as the API shows it."""
        return await self.v1.subscriptions.retrieve_async(id_, None, self.options)

    async def invoice(self, id_: str) -> Any:
        """Return a subscription's latest invoice."""
        latest = (await self.subscription(id_)).latest_invoice
        return await self.v1.invoices.retrieve_async(latest, None, self.options)

    @property
    def told(self) -> list[str]:
        """The types of the events that were not delivered."""
        return [each.type for each in self.fake.pending()]

    @property
    def now(self) -> int:
        """Seconds since the epoch, UTC."""
        return int(self.fake.clock.now())


@pytest.fixture
async def fake() -> AsyncIterator[FakeStripe]:
    async with FakeStripe(clock=FakeClock()) as running:
        yield running


def client_of(fake: FakeStripe, *, live: bool = False) -> stripe.StripeClient:
    """Return the library's client, in a mode."""
    return stripe.StripeClient(
        fake.keys(live=live).secret,
        client_id=fake.keys(live=live).client_id,
        base_addresses=fake.base_addresses,  # type: ignore[arg-type] # a dict is one
        max_network_retries=2,
    )


@pytest.fixture
async def shop(fake: FakeStripe) -> Shop:
    client = client_of(fake)
    account = fake.people.connected()
    return Shop(fake, client, account, client.v1, {"stripe_account": account})

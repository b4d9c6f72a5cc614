"""A gateway with the plugin `stripe`, and a fake Stripe behind it, on the same clock."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
import stripe
from sqlalchemy import select
from tests.service.conftest import WithIdentities, _call
from tests.waiting import eventually

from dream_gateway.model import Mode
from dream_gateway.payments import AccountState
from dream_gateway.records import accounts, projects
from dream_gateway.records.accounts import AccountStatus
from dream_gateway.records.billing_schema import inbox
from dream_gateway_stripe.billing import StripeBilling
from dream_gateway_stripe.settings import StripeSettings, configured
from dream_gateway_stripe.testing import FakeStripe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service.conftest import Ask, Speak, Tenant
    from tests.service.signed_tokens import SignedTokens

    from dream_gateway.billing.engine import Engine
    from dream_gateway.gateway import Gateway
    from dream_gateway.plugins import Plugins
    from dream_gateway.service.app import Service
    from dream_gateway.testing.clock import FakeClock

ORIGIN = "https://shop.example.com"
CONNECT_SECRET, PLATFORM_SECRET = "whsec_connect", "whsec_platform"


@dataclass
class Street:
    """A shop with an account at the provider, and what happens there."""

    fake: FakeStripe
    engine: Engine
    service: Service
    tenant: Tenant
    rows: Ask
    account: str

    async def product(self, name: str = "mug", **values: Any) -> dict[str, Any]:
        """Create a product; its price is not pushed yet."""
        body = {"name": name, "price": 1999, "currency": "eur", **values}
        answer = await self.tenant.client.post("/api/products", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def pushed(self) -> None:
        """Push all that is due."""
        while await self.engine.catalogue.step():
            pass

    async def on_sale(self, name: str = "mug", **values: Any) -> dict[str, Any]:
        """Create a product, and return it as it is on sale."""
        made = await self.product(name, **values)
        await self.pushed()
        shown = await self.tenant.client.get(f"/api/products/{made['id']}")
        product: dict[str, Any] = shown.json()
        return product

    async def stock(self, product: dict[str, Any]) -> int | None:
        shown = await self.tenant.client.get(f"/api/products/{product['id']}")
        inventory: int | None = shown.json()["inventory"]
        return inventory

    async def buy(self, *items: tuple[dict[str, Any], int], **more: Any) -> httpx.Response:
        """Check a cart out, as a guest on the shop's page."""
        headers = {"x-publishable-key": self.tenant.publishable_key, **more.pop("headers", {})}
        wanted = [{"priceId": each["priceId"], "quantity": count} for each, count in items]
        async with _call(self.service, None) as client:
            body = {"items": wanted, **more}
            return await client.post("/api/cart/checkout", json=body, headers=headers)

    async def ordered(self, *items: tuple[dict[str, Any], int], **more: Any) -> dict[str, Any]:
        answer = await self.buy(*items, **more)
        assert answer.status_code == 200, answer.text
        order: dict[str, Any] = answer.json()
        return order

    async def order(self, made: dict[str, Any]) -> dict[str, Any]:
        answer = await self.tenant.client.get(f"/api/orders/{made['orderId']}")
        assert answer.status_code == 200, answer.text
        order: dict[str, Any] = answer.json()
        return order

    async def news(self) -> None:
        """Deliver what Stripe has to tell, and wait until it is dealt with."""
        await self.fake.deliver_all(transport=self.transport)
        await eventually(self._has_dealt, "dealt with")

    async def _has_dealt(self) -> bool:
        while await self.engine.inbox.step():
            pass
        return not await self.rows(select(inbox.c.position).where(inbox.c.status == "pending"))

    @property
    def transport(self) -> httpx.ASGITransport:
        """The way from Stripe to the service."""
        return httpx.ASGITransport(app=cast("Any", self.service))

    async def tell_of(self, account: str, kind: str, thing: dict[str, Any]) -> None:
        """Send an event of an account, signed as Stripe does, and wait until it is dealt with."""
        event = {
            "id": "evt_made_up",
            "object": "event",
            "account": account,
            "livemode": False,
            "type": kind,
            "created": int(self.fake.clock.now()),
            "data": {"object": thing},
        }
        body = json.dumps(event)
        header = stripe.WebhookSignature.generate_signature_header(
            body, CONNECT_SECRET, timestamp=int(self.fake.clock.now())
        )
        async with httpx.AsyncClient(transport=self.transport, base_url="http://service") as client:
            answer = await client.post(
                "/webhook/stripe", content=body, headers={"stripe-signature": header}
            )
        assert answer.status_code == 200, answer.text
        await self.news()

    def at_stripe(self, product_id: str, **values: Any) -> None:
        """Change a product on Stripe's own pages."""
        books = self.fake.world.books(self.account, live=False)
        books.get(product_id, "product").update(values)

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """Return what Stripe has of a kind in the account, in test mode."""
        books = self.fake.world.books(self.account, live=False)
        return [dict(each) for each in books.all(kind)]


@pytest.fixture
def fake(clock: FakeClock) -> Iterator[FakeStripe]:
    with FakeStripe(clock=clock) as made:
        made.connect_webhooks("http://service/webhook/stripe", CONNECT_SECRET)
        made.platform_webhooks("http://service/webhook/stripe/platform", PLATFORM_SECRET)
        yield made


@pytest.fixture
def provider(fake: FakeStripe) -> StripeBilling:
    keys = fake.keys()
    settings = StripeSettings(
        secret_key=keys.secret,
        client_id=keys.client_id,
        webhook_secret=CONNECT_SECRET,
        platform_webhook_secret=PLATFORM_SECRET,
        api_url=fake.base_url,
        connect_url=fake.base_url,
    )
    return StripeBilling(configured(settings, {}))


@pytest.fixture
def plugins(provider: StripeBilling, tokens: SignedTokens) -> Plugins:
    made = WithIdentities((), (tokens,))
    made._registered["billings"] = (provider,)
    return made


@pytest.fixture
def speak() -> Speak:
    """Call the service as an ASGI application: how it is served is tried elsewhere."""
    return _call


@pytest.fixture
def engine(gateway: Gateway) -> Engine:
    assert gateway.billing is not None
    return gateway.billing


@pytest.fixture
async def street(
    engine: Engine, service: Service, tenant: Tenant, fake: FakeStripe, rows: Ask
) -> Street:
    """The tenant's shop, whose account is connected in test mode."""
    account = fake.people.connected()
    state = AccountState(account, charges=True, details_submitted=True)
    project, active = tenant.project, AccountStatus.ACTIVE
    async with engine.records.write("test") as writer:
        await projects.change(writer, replace(project, origins=(ORIGIN,)))
        await accounts.connect(writer, project.platform_id, Mode.TEST, state, active)
    return Street(fake, engine, service, tenant, rows, account)

"""A gateway with the real plugin on a fake Stripe: its work is done when a test says so."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import httpx

from dream_gateway.administration import Administration
from dream_gateway.billing.catalogue import Catalogue
from dream_gateway.billing.engine import Engine
from dream_gateway.gateway import Gateway
from dream_gateway.model import Actor, Allowance, AllowanceKind, Interval, Mode, Project, Tier
from dream_gateway.payments import Account, AccountState
from dream_gateway.plugins import Plugins
from dream_gateway.records import accounts, customers, payers, projects
from dream_gateway.records import subscriptions as mirror
from dream_gateway.records.accounts import AccountStatus
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway.settings import Settings
from dream_gateway_stripe.billing import StripeBilling
from dream_gateway_stripe.settings import StripeSettings, configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.model import Customer
    from dream_gateway.records.subscriptions import Mirrored
    from dream_gateway.testing import FakeClock
    from dream_gateway_stripe.testing import FakeStripe

ORIGIN = "https://shop.example.com"
CONNECT_SECRET, PLATFORM_SECRET = "whsec_connect", "whsec_platform"
QUOTA = AllowanceKind.QUOTA
TIERS = (
    Tier("free", (Allowance(QUOTA, 10, Interval.MONTH),)),
    Tier("basic", (Allowance(QUOTA, 100, Interval.MONTH),), price=900),
    Tier("pro", (Allowance(QUOTA, 1_000, Interval.MONTH),), price=1_900),
)
MOST_STEPS = 200


@dataclass
class Till:
    """One project that sells tiers, and the engine that nobody has started."""

    fake: FakeStripe
    clock: FakeClock
    gateway: Gateway
    engine: Engine
    service: Any
    project: Project
    account: Account
    client: httpx.AsyncClient

    async def post(self, path: str, user: str = "ada", **body: object) -> httpx.Response:
        """Ask as the developer's back end."""
        return await self.client.post(path, headers={"x-user-id": user}, json=body)

    async def choose(self, tier: str, user: str = "ada") -> dict[str, Any]:
        """Have a customer choose a tier; return the answer."""
        answer = await self.post("/api/create-checkout", user, tier=tier)
        assert answer.status_code == 200, answer.text
        begun: dict[str, Any] = answer.json()
        return begun

    async def subscribe(self, tier: str, user: str = "ada") -> str:
        """Have a customer pay for a tier, and hear of it; return the provider's id of them."""
        begun = await self.choose(tier, user)
        self.fake.people.check_out(begun["sessionId"])
        await self.hear()
        payer = await self.payer(user)
        assert payer is not None
        return payer

    async def deliver(self, **how: Any) -> None:
        """Have Stripe send what is pending, arranged as asked."""
        await self.fake.deliver(transport=httpx.ASGITransport(app=self.service), **how)

    async def work(self) -> None:
        """Deal with all that is due in the inbox."""
        for _ in range(MOST_STEPS):
            if not await self.engine.inbox.step():
                return
        raise AssertionError("the inbox never ends")

    async def hear(self) -> None:
        """Have Stripe send all there is, and deal with it."""
        await self.fake.deliver_all(transport=httpx.ASGITransport(app=self.service))
        await self.work()

    async def reconcile(self) -> None:
        """Make up for all that was missed."""
        for _ in range(MOST_STEPS):
            if not await self.engine.reconciler.step():
                break
        else:
            raise AssertionError("the reconciler never ends")
        await self.work()

    async def connect(self) -> None:
        """Connect the account, again."""
        await furnish(self.gateway, self.project, self.account)

    async def customer(self, user: str = "ada") -> Customer:
        """Return a customer as the records have them."""
        async with self.gateway.records.read() as connection:
            found = await customers.named(connection, self.project.id, user)
        assert found is not None
        return found

    async def knows(self, user: str) -> bool:
        """Return whether there is such a customer."""
        async with self.gateway.records.read() as connection:
            return await customers.named(connection, self.project.id, user) is not None

    async def plan(self, user: str = "ada") -> str:
        """Return the tier a customer is on."""
        return (await self.customer(user)).plan

    async def payer(self, user: str = "ada") -> str | None:
        """Return what the provider calls a customer."""
        customer = await self.customer(user)
        async with self.gateway.records.read() as connection:
            return await payers.find(connection, self.account, customer.id)

    async def rows(self, user: str = "ada") -> list[Mirrored]:
        """Return a customer's subscriptions as they are stored, newest first."""
        customer = await self.customer(user)
        async with self.gateway.records.read() as connection:
            return await mirror.of_customer(connection, customer.id)

    async def usage(self, user: str = "ada") -> dict[str, Any]:
        """Return what `GET /api/usage` says."""
        answer = await self.client.get("/api/usage", headers={"x-user-id": user})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


def settings_of(fake: FakeStripe) -> dict[str, Any]:
    """Return the plugin's settings, on the fake."""
    return {
        "secret_key": fake.keys().secret,
        "client_id": fake.keys().client_id,
        "webhook_secret": CONNECT_SECRET,
        "platform_webhook_secret": PLATFORM_SECRET,
        "api_url": fake.base_url,
        "connect_url": fake.base_url,
    }


def stripe_of(fake: FakeStripe) -> StripeBilling:
    """Return the plugin's provider, on the fake."""
    return StripeBilling(configured(StripeSettings(**settings_of(fake)), {}))


@asynccontextmanager
async def opened(fake: FakeStripe, clock: FakeClock, store: str) -> AsyncIterator[Till]:
    """Run a gateway that has one project, whose account is connected and catalogue pushed."""
    fake.connect_webhooks("http://service/webhook/stripe", CONNECT_SECRET)
    fake.platform_webhooks("http://service/webhook/stripe/platform", PLATFORM_SECRET)
    provider = stripe_of(fake)
    gateway = Gateway(Settings(store=store), clock, Plugins({}))
    await gateway.start()
    try:
        ledger = gateway.stores.ledger()
        engine = Engine(provider, gateway.records, clock, gateway.settings, ledger)
        host = ServiceHost(gateway)
        host.billing = engine
        service = create_service(host)
        made = await Administration(gateway.records).create_platform("shop", Mode.TEST, TIERS, ())
        account = Account(fake.people.connected(), live=False)
        project = await furnish(gateway, made.project, account)
        await Catalogue(provider, gateway.records, clock).push(project.id, Actor("test"))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=cast("Any", service)),
            base_url="http://service",
            headers={"authorization": f"Bearer {made.secret_key}"},
        ) as client:
            yield Till(fake, clock, gateway, engine, service, project, account, client)
    finally:
        await provider.aclose()
        await gateway.close()


async def furnish(gateway: Gateway, project: Project, account: Account) -> Project:
    """Give a project its pages' origin, and its platform an account."""
    state = AccountState(account.id or "", charges=True, details_submitted=True)
    async with gateway.records.write("test") as writer:
        await accounts.connect(
            writer, project.platform_id, project.mode, state, AccountStatus.ACTIVE
        )
        found = await projects.find(writer.connection, project.id)
        assert found is not None
        changed = replace(found, origins=(ORIGIN,))
        await projects.change(writer, changed)
    return changed

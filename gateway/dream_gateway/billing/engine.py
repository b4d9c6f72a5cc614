"""All that a gateway with a payment provider does besides answering requests, put together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.billing.accounts import Accounts
from dream_gateway.billing.carts import Carts
from dream_gateway.billing.catalogue import Catalogue
from dream_gateway.billing.checkout_sessions import CheckoutSessions
from dream_gateway.billing.checkouts import Checkouts
from dream_gateway.billing.collector import Collector
from dream_gateway.billing.connections import Connections
from dream_gateway.billing.inbox import Inbox
from dream_gateway.billing.orders import Orders
from dream_gateway.billing.outbox import Outbox
from dream_gateway.billing.payers import Payers
from dream_gateway.billing.platform_plan import PlatformPlans
from dream_gateway.billing.reconciler import Reconciler
from dream_gateway.billing.subscriptions import Subscriptions
from dream_gateway.payments import About, Endpoint
from dream_gateway.recurring import Recurring

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.billing.news import Effect, Handler, News
    from dream_gateway.clock import Clock
    from dream_gateway.payments import Billing
    from dream_gateway.records.database import Records
    from dream_gateway.settings import Settings
    from dream_gateway.storage import Ledger

INBOX_TASKS = 4
"""How many objects one worker deals with at once: it mostly waits for the provider."""

INBOX_SECONDS = 5.0
"""How long events wait that another worker received and did not get to."""

RECONCILE_SECONDS = 5.0
CATALOGUE_SECONDS = 2.0
"""How long a change of what is for sale waits until it is pushed."""


class Engine:
    """Begins to work with `start`. One per worker process and event loop."""

    def __init__(
        self,
        provider: Billing,
        records: Records,
        clock: Clock,
        settings: Settings,
        ledger: Ledger,
    ) -> None:
        self.provider = provider
        self.records = records
        self.clock = clock
        self.subscriptions = Subscriptions(provider, records, settings.billing_grace_days)
        self.payers = Payers(provider, records)
        self.sessions = CheckoutSessions(provider, records, self.subscriptions, self.payers)
        self.checkouts = Checkouts(
            provider, records, self.subscriptions, self.payers, self.sessions
        )
        self.accounts = Accounts(provider, records)
        self.connections = Connections(provider, records)
        self.catalogue = Catalogue(provider, records, clock)
        self.orders = Orders(provider, records, clock)
        self.carts = Carts(provider, records, self.orders, self.payers)
        self.platform_plans = PlatformPlans(provider, records, clock, settings)
        self.collector = Collector(records, ledger, clock)
        self.outbox = Outbox(provider, records, clock)
        self.inbox = Inbox(provider, records, clock, self._handlers())
        self.reconciler = Reconciler(
            provider=provider,
            records=records,
            clock=clock,
            subscriptions=self.subscriptions,
            sessions=self.sessions,
            accounts=self.accounts,
            payers=self.payers,
            inbox=self.inbox,
        )
        self._takers = [
            Recurring(f"The inbox of {provider.name}", self.inbox.step, INBOX_SECONDS)
            for _ in range(INBOX_TASKS)
        ]
        self._recurring = [*self._takers, *self._steps()]

    def start(self) -> None:
        """Begin to deal with what is there and what comes."""
        for each in self._recurring:
            each.start()

    async def aclose(self) -> None:
        """Finish what is under way. Safe to call twice, and without `start`."""
        await asyncio.gather(*(each.aclose() for each in self._recurring))

    async def receive(self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> None:
        """Take what was posted to an endpoint: see `Inbox.receive`. It is dealt with at once."""
        await self.inbox.receive(endpoint, headers, body)
        self.wake()

    def wake(self) -> None:
        """Deal at once with what is in the inbox. Never blocks."""
        for each in self._takers:
            each.wake()

    def _steps(self) -> list[Recurring]:
        """Return what is done again and again beside taking from the inbox."""
        name = self.provider.name
        table = (
            (f"The reconciler of {name}", self.reconciler.step, RECONCILE_SECONDS),
            (f"The catalogue at {name}", self.catalogue.step, CATALOGUE_SECONDS),
            (f"The orders at {name}", self.orders.step, RECONCILE_SECONDS),
            ("What platforms pay", self.platform_plans.step, RECONCILE_SECONDS),
            ("What overage there is", self.collector.step, RECONCILE_SECONDS),
            (f"The overage for {name}", self.outbox.step, RECONCILE_SECONDS),
        )
        return [Recurring(*row) for row in table]

    async def _checkout_news(self, news: News) -> Effect | None:
        """Deal with news of a checkout: an order's, or a subscription's."""
        return await self.orders.checkout_news(news) or await self.sessions.news(news)

    def _handlers(self) -> Mapping[tuple[Endpoint, About], Handler]:
        """Return who deals with what came to which endpoint."""
        return {
            (Endpoint.CONNECT, About.SUBSCRIPTION): self.subscriptions.news,
            (Endpoint.CONNECT, About.CHECKOUT): self._checkout_news,
            (Endpoint.CONNECT, About.PAYMENT): self.orders.payment_news,
            (Endpoint.CONNECT, About.CATALOGUE): self.catalogue.news,
            (Endpoint.CONNECT, About.CUSTOMER): self.payers.news,
            (Endpoint.CONNECT, About.ACCOUNT): self.accounts.news,
            (Endpoint.PLATFORM, About.SUBSCRIPTION): self.platform_plans.news,
            (Endpoint.PLATFORM, About.CHECKOUT): self.platform_plans.news,
        }

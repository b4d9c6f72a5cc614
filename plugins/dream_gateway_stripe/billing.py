"""The contract of `dream_gateway.payments`, fulfilled by Stripe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.payments import Account, Endpoint, Event
from dream_gateway_stripe.accounts import Accounts
from dream_gateway_stripe.catalogue import Catalogue
from dream_gateway_stripe.checkouts import Checkouts
from dream_gateway_stripe.desk import PAGE, Desk
from dream_gateway_stripe.events import arrived, event, verified
from dream_gateway_stripe.portal import Portal
from dream_gateway_stripe.shapes import StripeEvent
from dream_gateway_stripe.subscriptions import Subscriptions
from dream_gateway_stripe.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dream_gateway_stripe.settings import Configuration


class StripeBilling(Accounts, Catalogue, Checkouts, Portal, Subscriptions, Usage):
    """Takes money by Stripe: a `Billing`. It remembers nothing but which of two keys works."""

    name = "stripe"

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(Desk(configuration))
        self.operator_account = Account(None, configuration.live)
        self.plan_price_id = configuration.settings.price_id or None
        self.frontend_url = configuration.settings.frontend_url or None
        self._secrets = {
            Endpoint.CONNECT: configuration.connect_secrets,
            Endpoint.PLATFORM: configuration.platform_secrets,
        }

    def read_event(
        self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes, now: float
    ) -> Event:
        """Return what a webhook tells. Names of `headers` are lower-case."""
        return arrived(verified(self._secrets[endpoint], headers, body, now), endpoint)

    async def undelivered(self, account: Account, since: float) -> Sequence[Event]:
        """Return the events since then that did not reach us, oldest first."""
        found = await self._desk.every(
            account,
            StripeEvent,
            lambda client, options: client.v1.events.list_async(
                {"delivery_success": False, "created": {"gte": int(since)}, "limit": PAGE}, options
            ),
        )
        return [event(told, account.id) for told in reversed(found)]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._desk.aclose()

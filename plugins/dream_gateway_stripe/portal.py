"""Stripe's customer portal: where customers see and change what they pay for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.desk import PAGE, Asking, once
from dream_gateway_stripe.shapes import PortalConfiguration, PortalSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stripe.params.billing_portal import (
        ConfigurationCreateParams,
        ConfigurationCreateParamsFeaturesSubscriptionUpdate,
    )

    from dream_gateway.payments import Account, Listed

MARK = "dream_gateway"
"""The member of a configuration's metadata that tells its content."""

MOST_OFFERS = 10
"""Products of one configuration that Stripe takes."""


class Portal(Asking):
    """Opens the portal, with a configuration for what is offered."""

    async def portal(
        self, account: Account, customer_id: str, return_url: str, offers: Sequence[Listed] = ()
    ) -> str:
        """Return the URL of a page for one customer."""
        configuration = await self._configuration(account, offers)
        session = await self._desk.ask(
            account,
            PortalSession,
            lambda client, options: client.v1.billing_portal.sessions.create_async(
                {
                    "customer": customer_id,
                    "return_url": return_url,
                    "configuration": configuration.id,
                },
                options,
            ),
        )
        return session.url

    async def _configuration(
        self, account: Account, offers: Sequence[Listed]
    ) -> PortalConfiguration:
        """Return the configuration for some offers; one of the same content is used again."""
        params = _wanted(offers)
        mark = once("portal", params)
        found = await self._desk.every(
            account,
            PortalConfiguration,
            lambda client, options: client.v1.billing_portal.configurations.list_async(
                {"active": True, "limit": PAGE}, options
            ),
        )
        for each in found:
            if (each.metadata or {}).get(MARK) == mark:
                return each
        params["metadata"] = {MARK: mark}
        return await self._desk.ask(
            account,
            PortalConfiguration,
            lambda client, options: client.v1.billing_portal.configurations.create_async(
                params, options
            ),
            mark,
        )


def _wanted(offers: Sequence[Listed]) -> ConfigurationCreateParams:
    """Return what customers may do: cancel with the period, and change as `Billing.portal` says."""
    change: ConfigurationCreateParamsFeaturesSubscriptionUpdate = {"enabled": False}
    if offers:
        change = {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "products": [
                {"product": offer.product_id, "prices": [offer.price_id]}
                for offer in sorted(offers, key=lambda offer: offer.product_id)[:MOST_OFFERS]
            ],
            "proration_behavior": "always_invoice",
            "schedule_at_period_end": {
                "conditions": [
                    {"type": "decreasing_item_amount"},
                    {"type": "shortening_interval"},
                ]
            },
        }
    return {
        "features": {
            "customer_update": {"enabled": True, "allowed_updates": ["address", "tax_id"]},
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True},
            "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
            "subscription_update": change,
        }
    }

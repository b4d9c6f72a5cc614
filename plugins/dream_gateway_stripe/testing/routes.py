"""What the fake can do, of all that Stripe can: each call and its handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing import (
    catalogue,
    checkout,
    connect,
    customers,
    events,
    invoices,
    meters,
    payments,
    portal,
    schedules,
    subscriptions,
)

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.call import Routes

ROUTES: Routes = {
    **catalogue.ROUTES,
    **checkout.ROUTES,
    **connect.ROUTES,
    **customers.ROUTES,
    **events.ROUTES,
    **invoices.ROUTES,
    **meters.ROUTES,
    **payments.ROUTES,
    **portal.ROUTES,
    **schedules.ROUTES,
    **subscriptions.ROUTES,
}

INERT = frozenset(
    {
        "allow_promotion_codes",
        "automatic_tax",
        "billing_address_collection",
        "business_profile",
        "controller",
        "customer_update",
        "expand",
        "locale",
        "off_session",
        "payment_method_types",
        "saved_payment_method_options",
        "submit_type",
        "tax_code",
        "tax_id_collection",
    }
)
"""Parameters that are taken and change nothing here: no taxes, discounts, or looks."""

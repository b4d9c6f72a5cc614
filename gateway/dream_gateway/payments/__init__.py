"""What a payment provider does for the gateway: the contract between `billing` and a plugin.

The gateway keeps the state: who subscribed to what, which events were taken, what is in stock. A
provider is asked and told, and remembers nothing between two calls. Amounts are whole numbers of the
currency's minor unit; instants are seconds since the epoch, UTC.
"""

from __future__ import annotations

from dream_gateway.payments.accounts import Account, AccountState, Onboarding
from dream_gateway.payments.catalogue import CatalogueItem, Listed
from dream_gateway.payments.events import About, Endpoint, Event
from dream_gateway.payments.orders import (
    CartLine,
    CartOrder,
    CheckoutOrder,
    CheckoutSession,
    Payer,
    UsageReport,
    When,
)
from dream_gateway.payments.provider import Billing
from dream_gateway.payments.states import (
    CheckoutState,
    CheckoutStatus,
    PaymentState,
    ScheduledChange,
    SubscriptionState,
    SubscriptionStatus,
)

__all__ = [
    "About",
    "Account",
    "AccountState",
    "Billing",
    "CartLine",
    "CartOrder",
    "CatalogueItem",
    "CheckoutOrder",
    "CheckoutSession",
    "CheckoutState",
    "CheckoutStatus",
    "Endpoint",
    "Event",
    "Listed",
    "Onboarding",
    "Payer",
    "PaymentState",
    "ScheduledChange",
    "SubscriptionState",
    "SubscriptionStatus",
    "UsageReport",
    "When",
]

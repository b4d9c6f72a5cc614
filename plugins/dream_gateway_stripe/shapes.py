"""Stripe's objects as far as they are read here (API version 2026-10-28.endive).

https://docs.stripe.com/api
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dream_gateway.model import Interval  # noqa: TC001 - read by msgspec
from dream_gateway.payments import SubscriptionStatus  # noqa: TC001 - read by msgspec


class Object(msgspec.Struct, frozen=True):
    """Anything with an id."""

    id: str


class Customer(Object, frozen=True):
    """A customer, or what is left of one who was deleted."""

    deleted: bool = False


class Recurring(msgspec.Struct, frozen=True):
    """How often a price is paid, or that usage is paid for, by a meter."""

    interval: Interval
    interval_count: int = 1
    usage_type: Literal["licensed", "metered"] = "licensed"
    meter: str | None = None


class TransformQuantity(msgspec.Struct, frozen=True):
    """So many units are one to be paid."""

    divide_by: int


class Price(msgspec.Struct, frozen=True):
    """A price; it never changes. `product` is an id: it is not expanded."""

    id: str
    product: str
    currency: str
    active: bool = True
    unit_amount: int | None = None
    unit_amount_decimal: str | None = None
    recurring: Recurring | None = None
    transform_quantity: TransformQuantity | None = None

    @property
    def is_metered(self) -> bool:
        """Whether it is for usage."""
        return self.recurring is not None and self.recurring.usage_type == "metered"


class Feature(msgspec.Struct, frozen=True):
    """A line of what a product brings."""

    name: str | None = None


class Product(msgspec.Struct, frozen=True):
    """A product. Of a deleted one only the id is there."""

    id: str
    active: bool = False
    name: str = ""
    description: str | None = None
    images: tuple[str, ...] = ()
    marketing_features: tuple[Feature, ...] = ()
    default_price: str | None = None
    deleted: bool = False


class Item(msgspec.Struct, frozen=True):
    """One price of a subscription, in its current period."""

    id: str
    price: Price
    current_period_start: float
    current_period_end: float
    quantity: int | None = None


class Items(msgspec.Struct, frozen=True):
    """A subscription's items, the first page: there are 20 at the most."""

    data: tuple[Item, ...]


class PhaseItem(msgspec.Struct, frozen=True):
    """One price of a schedule's phase."""

    price: str
    quantity: int | None = None


class PhaseDiscount(msgspec.Struct, frozen=True):
    """A discount of a phase: one that there is, or what it is made of."""

    discount: str | None = None
    coupon: str | None = None
    promotion_code: str | None = None


class AutomaticTax(msgspec.Struct, frozen=True):
    """Whether Stripe works taxes out."""

    enabled: bool = False


class Phase(msgspec.Struct, frozen=True):
    """What a schedule puts a subscription on, and when."""

    start_date: float
    end_date: float
    items: tuple[PhaseItem, ...]
    discounts: tuple[PhaseDiscount, ...] | None = None
    automatic_tax: AutomaticTax | None = None


class Schedule(msgspec.Struct, frozen=True):
    """A subscription's schedule. `end_behavior` is what it does after its last phase."""

    id: str
    status: str
    phases: tuple[Phase, ...] = ()
    end_behavior: str = "release"


class Subscription(msgspec.Struct, frozen=True):
    """A subscription, with its schedule expanded."""

    id: str
    customer: str
    status: SubscriptionStatus
    items: Items
    created: float
    currency: str
    cancel_at: float | None = None
    cancel_at_period_end: bool = False
    canceled_at: float | None = None
    ended_at: float | None = None
    trial_end: float | None = None
    schedule: Schedule | None = None


class PaymentIntent(msgspec.Struct, frozen=True):
    """A payment, as a checkout shows it."""

    id: str
    status: str


class CustomerDetails(msgspec.Struct, frozen=True):
    """What was entered at a checkout."""

    email: str | None = None


class Session(msgspec.Struct, frozen=True):
    """A checkout, with its payment expanded if that is asked for."""

    id: str
    status: Literal["open", "complete", "expired"] | None = None
    payment_status: Literal["paid", "unpaid", "no_payment_required"] = "unpaid"
    url: str | None = None
    expires_at: float | None = None
    amount_total: int | None = None
    currency: str | None = None
    subscription: str | None = None
    customer: str | None = None
    payment_intent: PaymentIntent | str | None = None
    customer_details: CustomerDetails | None = None


class Charge(msgspec.Struct, frozen=True):
    """Money that was taken."""

    id: str
    amount: int
    currency: str
    amount_refunded: int = 0
    disputed: bool = False


class Dispute(msgspec.Struct, frozen=True):
    """A payment that somebody's bank wants back."""

    id: str
    status: str


class Payment(msgspec.Struct, frozen=True):
    """A payment, with its latest charge expanded."""

    id: str
    amount: int
    currency: str
    latest_charge: Charge | None = None


class Profile(msgspec.Struct, frozen=True):
    """How a business is called."""

    name: str | None = None


class ConnectedAccount(msgspec.Struct, frozen=True):
    """An account."""

    id: str
    charges_enabled: bool = False
    details_submitted: bool = False
    email: str | None = None
    business_profile: Profile | None = None


class AccountLink(msgspec.Struct, frozen=True):
    """A page where an account is completed."""

    url: str
    expires_at: float


class Token(msgspec.Struct, frozen=True):
    """What a code of OAuth's is exchanged for; the token in it is not kept."""

    stripe_user_id: str
    livemode: bool
    scope: str | None = None


class PortalConfiguration(msgspec.Struct, frozen=True):
    """What the portal lets customers do."""

    id: str
    metadata: dict[str, str] | None = None


class PortalSession(msgspec.Struct, frozen=True):
    """A page of the portal's."""

    id: str
    url: str


class Meter(msgspec.Struct, frozen=True):
    """What usage is added to."""

    id: str
    event_name: str
    status: str = "active"


class Summary(msgspec.Struct, frozen=True):
    """The usage of a span of time."""

    aggregated_value: float


class Data(msgspec.Struct, frozen=True):
    """The object of an event, as it was."""

    object: dict[str, Any]


class StripeEvent(msgspec.Struct, frozen=True):
    """An event, as far as it is read. Without `account` it is of the key's own account."""

    id: str
    type: str
    created: float
    livemode: bool
    data: Data
    account: str | None = None

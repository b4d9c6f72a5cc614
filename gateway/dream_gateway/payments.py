"""What a payment provider does for the gateway: the contract between `billing` and a plugin.

The gateway keeps the state: who subscribed to what, which events were taken, what is in stock. A
provider is asked and told, and remembers nothing between two calls. Amounts are whole numbers of the
currency's minor unit; instants are seconds since the epoch, UTC.

Every method of `Billing` may be called by many tasks at once, and raises

* `BillingUnavailableError` if the provider is out of reach, or said to come again later: the same
  call may be made again, and does its work once;
* `BillingAccountError` if the account is no longer connected;
* `ConflictError` if the provider does not do that now, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dream_gateway.model import Interval


@dataclass(frozen=True, slots=True)
class Account:
    """Whose money it is: a developer's account at the provider; no `id` is the operator's own.

    Test and live are apart: the same account has different objects in each.
    """

    id: str | None
    live: bool


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as the provider has it. Without `charges` it cannot take money yet."""

    id: str
    charges: bool
    details_submitted: bool
    email: str | None = None
    name: str | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Onboarding:
    """A page of the provider's where a developer completes an account; the link works once."""

    account_id: str
    url: str
    expires_at: float


class SubscriptionStatus(StrEnum):
    """Where a subscription stands; what it gives access to is told by `billing.access`."""

    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class ScheduledChange:
    """Another price from `at` on."""

    price_id: str
    at: float


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A subscription as the provider has it right now: the truth, whatever an event said.

    `amount` is per `interval` and unit; `price_ids` are all of its items', the licensed one first.
    `cancel_at` is when it ends, if that is decided; `canceled_at` when that was.
    """

    id: str
    customer_id: str
    status: SubscriptionStatus
    price_ids: tuple[str, ...]
    amount: int
    currency: str
    interval: Interval
    interval_count: int
    quantity: int
    period_start: float
    period_end: float
    created_at: float
    cancel_at: float | None = None
    canceled_at: float | None = None
    ended_at: float | None = None
    trial_end: float | None = None
    scheduled: ScheduledChange | None = None


class CheckoutStatus(StrEnum):
    """How a checkout stands. `PAYING`: completed, and the money is still on its way."""

    OPEN = "open"
    PAYING = "paying"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """A checkout as the provider has it right now."""

    id: str
    status: CheckoutStatus
    amount: int
    currency: str
    subscription_id: str | None = None
    payment_id: str | None = None
    customer_id: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentState:
    """A payment as the provider has it right now; `refunded` is what went back of `amount`."""

    id: str
    amount: int
    currency: str
    refunded: int
    disputed: bool


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """Something to sell: a tier if it has an `interval`, else a product that is paid once.

    `ref` names it within the gateway, the same for ever. `overage` is minor units for each
    `overage_per` units of usage beyond what is included, a begun one for a whole one.
    """

    ref: str
    name: str
    amount: int
    currency: str
    interval: Interval | None = None
    description: str = ""
    image_url: str | None = None
    features: tuple[str, ...] = ()
    overage: int | None = None
    overage_per: int = 1


@dataclass(frozen=True, slots=True)
class Listed:
    """What an item is at the provider. `meter` is what its overage is reported to."""

    product_id: str
    price_id: str
    overage_price_id: str | None = None
    meter: str | None = None


@dataclass(frozen=True, slots=True)
class Payer:
    """One who is to pay; `key` makes creating them twice the same."""

    key: str
    email: str | None
    name: str | None
    references: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """A subscription that is about to be begun. The price is the tier's, and nobody else's choice.

    `references` carry ids for people who look at the provider's pages; nothing is decided by them.
    An order with the same `key` is the same session.
    """

    key: str
    customer_id: str
    price_ids: tuple[str, ...]
    trial_days: int
    success_url: str
    cancel_url: str
    references: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CartLine:
    """So many of a product."""

    price_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class CartOrder:
    """Products that are about to be paid once, by a customer or by a guest."""

    key: str
    lines: tuple[CartLine, ...]
    success_url: str
    cancel_url: str
    references: Mapping[str, str]
    expires_at: float
    customer_id: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """A page of the provider's where somebody pays."""

    id: str
    url: str
    expires_at: float | None = None


class When(StrEnum):
    """When another plan begins: now, with what was paid set off, or with the next period."""

    NOW = "now"
    PERIOD_END = "period_end"


class About(StrEnum):
    """What an event is about: of a price its product, of an invoice or schedule its subscription."""

    SUBSCRIPTION = "subscription"
    CHECKOUT = "checkout"
    PAYMENT = "payment"
    ACCOUNT = "account"
    CATALOGUE = "catalogue"
    CUSTOMER = "customer"
    NOTHING = "nothing"


class Endpoint(StrEnum):
    """Where events arrive: those of developers' accounts, and those of the operator's own."""

    CONNECT = "connect"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Event:
    """News of one object. What it says of it is not kept: `ref` is asked for anew.

    `type` is the provider's own word. `gone` tells that the object's account was disconnected.
    """

    id: str
    type: str
    account: Account
    created_at: float
    about: About
    ref: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Units to be paid beyond what is included. The same `identifier` counts once, whenever it comes."""

    identifier: str
    meter: str
    customer_id: str
    units: int
    at: float


class Billing(Protocol):
    """A payment provider. One that has an async `aclose()` is closed with the gateway."""

    @property
    def name(self) -> str:
        """Its name in paths and tables, such as `stripe`: events arrive at `/webhook/{name}`."""
        ...

    @property
    def operator_account(self) -> Account:
        """The operator's own account, in the mode in which platforms pay for their plan."""
        ...

    @property
    def plan_price_id(self) -> str | None:
        """The price of the platforms' plan, on the operator's account; `None`: they pay nothing."""
        ...

    @property
    def frontend_url(self) -> str | None:
        """Where developers come back to from the provider, unless they say where."""
        ...

    # Accounts

    def connect_url(self, state: str, redirect_url: str, *, live: bool) -> str:
        """Return where a developer allows us to act for an account that they have.

        Raises `BillingNotConfiguredError` if it is not set up for that.
        """
        ...

    async def connect(self, code: str, *, live: bool) -> AccountState:
        """Take the code that the developer came back with, once.

        Raises `InvalidCodeError` for any other.
        """
        ...

    async def onboard(
        self, account_id: str | None, key: str, return_url: str, refresh_url: str, *, live: bool
    ) -> Onboarding:
        """Begin or go on with an account of a developer's who has none; `key` creates one once."""
        ...

    async def account(self, account: Account) -> AccountState:
        """Return a connected account."""
        ...

    async def disconnect(self, account: Account) -> None:
        """Act for an account no longer; one that is not connected is no failure."""
        ...

    # Catalogue

    async def list_item(self, account: Account, item: CatalogueItem) -> Listed:
        """Have an item on sale as it is now, however often this is asked.

        Another amount, currency or interval is a new price, and the old one is no longer sold; who
        pays it goes on.
        """
        ...

    async def listed(self, account: Account, ref: str) -> CatalogueItem | None:
        """Return an item as it is on sale; `None` if it is not, or never was."""
        ...

    async def withdraw_item(self, account: Account, ref: str) -> None:
        """Sell an item no longer."""
        ...

    # Customers and what they pay

    async def customer(self, account: Account, payer: Payer) -> str:
        """Return the id of the provider's customer, created if need be."""
        ...

    async def has_customer(self, account: Account, customer_id: str) -> bool:
        """Return whether a customer is there, and was not deleted."""
        ...

    async def checkout(self, account: Account, order: CheckoutOrder) -> CheckoutSession:
        """Open a checkout for a subscription."""
        ...

    async def cart(self, account: Account, order: CartOrder) -> CheckoutSession:
        """Open a checkout for products."""
        ...

    async def expire(self, account: Account, session_id: str) -> None:
        """Close a checkout that is open; any other is left alone."""
        ...

    async def portal(
        self, account: Account, customer_id: str, return_url: str, offers: Sequence[Listed] = ()
    ) -> str:
        """Return the URL of a page where a customer sees and changes what they pay for.

        They may change to any of the `offers`: to a dearer one now, to a cheaper one, or a shorter
        interval, with the next period; without offers, to nothing.
        """
        ...

    async def change_plan(
        self,
        account: Account,
        subscription_id: str,
        price_ids: tuple[str, ...],
        when: When,
        key: str,
    ) -> SubscriptionState:
        """Put a subscription on other prices; what was scheduled before is dropped."""
        ...

    async def keep_plan(self, account: Account, subscription_id: str) -> SubscriptionState:
        """Drop what is scheduled, an end included: it goes on as it is."""
        ...

    async def cancel(self, account: Account, subscription_id: str, when: When) -> SubscriptionState:
        """End a subscription; one that ended is no failure."""
        ...

    # What there is: the truth, whatever came by webhook

    async def subscription(
        self, account: Account, subscription_id: str
    ) -> SubscriptionState | None:
        """Return a subscription, `None` if there is none of that id."""
        ...

    async def subscriptions_of(
        self, account: Account, customer_id: str
    ) -> Sequence[SubscriptionState]:
        """Return all of a customer's, those that ended too, newest first."""
        ...

    async def checkout_state(self, account: Account, session_id: str) -> CheckoutState | None:
        """Return a checkout."""
        ...

    async def payment(self, account: Account, payment_id: str) -> PaymentState | None:
        """Return a payment."""
        ...

    # Events

    def read_event(
        self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes, now: float
    ) -> Event:
        """Return what a webhook tells. Names of `headers` are lower-case.

        Raises `InvalidCredentialError` unless it is the provider's own, of the last five minutes
        and not of later than five from now, and `InvalidRequestError` if it cannot be read.
        """
        ...

    async def undelivered(self, account: Account, since: float) -> Sequence[Event]:
        """Return the events since then that did not reach us, oldest first."""
        ...

    # Usage

    async def report(self, account: Account, report: UsageReport) -> None:
        """Add usage that is to be paid."""
        ...

    async def reported(
        self, account: Account, meter: str, customer_id: str, start: float, end: float
    ) -> int:
        """Return the units that were reported between two instants of whole minutes."""
        ...

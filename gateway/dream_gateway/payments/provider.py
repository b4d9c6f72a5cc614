"""The provider: what it does, and how it fails.

Every method of `Billing` may be called by many tasks at once, and raises

* `BillingUnavailableError` if the provider is out of reach, or said to come again later: the same
  call may be made again, and does its work once;
* `BillingAccountError` if the account is no longer connected;
* `ConflictError` if the provider does not do that now, and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dream_gateway.payments.accounts import Account, AccountState, Onboarding
    from dream_gateway.payments.catalogue import CatalogueItem, Listed
    from dream_gateway.payments.events import Endpoint, Event
    from dream_gateway.payments.orders import (
        CartOrder,
        CheckoutOrder,
        CheckoutSession,
        Payer,
        UsageReport,
        When,
    )
    from dream_gateway.payments.states import CheckoutState, PaymentState, SubscriptionState


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

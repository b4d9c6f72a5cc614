"""Customers, and the checkouts where they begin to pay."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import stripe

from dream_gateway.errors import BillingUnavailableError
from dream_gateway.payments import CheckoutSession
from dream_gateway_stripe.desk import PAGE, Asking, once, translated
from dream_gateway_stripe.shapes import Customer, Dispute, Object, Payment, Session
from dream_gateway_stripe.states import checkout_state, payment_state

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams
    from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem

    from dream_gateway.payments import (
        Account,
        CartOrder,
        CheckoutOrder,
        CheckoutState,
        Payer,
        PaymentState,
    )
    from dream_gateway_stripe.settings import StripeSettings

logger = logging.getLogger(__name__)

WITHDRAWN = frozenset({"won", "warning_closed", "prevented"})
"""How a dispute stands that takes no money from whom it was paid to."""


class Checkouts(Asking):
    """Sends people to Stripe's checkout, and tells how it went."""

    async def customer(self, account: Account, payer: Payer) -> str:
        """Return the id of the customer, created unless it was with the same content lately."""
        params: CustomerCreateParams = {"metadata": dict(payer.references)}
        if payer.email is not None:
            params["email"] = payer.email
        if payer.name is not None:
            params["name"] = payer.name
        key = once(payer.key, "customer", params)
        while True:
            created = await self._desk.ask(
                account,
                Object,
                lambda client, options: client.v1.customers.create_async(params, options),
                key,
            )
            if await self.has_customer(account, created.id):
                return created.id
            # Deleted since: the same question would get the same answer for a day.
            key = once(key, created.id)

    async def has_customer(self, account: Account, customer_id: str) -> bool:
        """Return whether a customer is there; Stripe still shows that one was deleted."""
        found = await self._desk.find(
            account,
            Customer,
            lambda client, options: client.v1.customers.retrieve_async(customer_id, None, options),
        )
        return found is not None and not found.deleted

    async def checkout(self, account: Account, order: CheckoutOrder) -> CheckoutSession:
        """Open a checkout for a subscription. Only the first price is one of so many pieces."""
        first, *metered = order.price_ids
        params = _session(self._desk.settings, order)
        params["mode"] = "subscription"
        params["customer"] = order.customer_id
        lines: list[SessionCreateParamsLineItem] = [{"price": first, "quantity": 1}]
        lines += [{"price": price_id} for price_id in metered]
        params["line_items"] = lines
        params["subscription_data"] = {"metadata": dict(order.references)}
        if order.trial_days:
            params["subscription_data"]["trial_period_days"] = order.trial_days
        return await self._open(account, order.key, params)

    async def cart(self, account: Account, order: CartOrder) -> CheckoutSession:
        """Open a checkout for products; Stripe has it open for 30 minutes to 24 hours."""
        lines: list[SessionCreateParamsLineItem] = [
            {"price": line.price_id, "quantity": line.quantity} for line in order.lines
        ]
        params = _session(self._desk.settings, order)
        params["mode"] = "payment"
        params["line_items"] = lines
        params["expires_at"] = int(order.expires_at)
        params["payment_intent_data"] = {"metadata": dict(order.references)}
        if order.customer_id is not None:
            params["customer"] = order.customer_id
        elif order.email is not None:
            params["customer_email"] = order.email
        return await self._open(account, order.key, params)

    async def expire(self, account: Account, session_id: str) -> None:
        """Close a checkout that is open; any other is left alone."""
        try:
            await self._desk.attempt(
                account,
                lambda client, options: client.v1.checkout.sessions.expire_async(
                    session_id, None, options
                ),
            )
        except stripe.InvalidRequestError as exc:
            logger.debug("The checkout %s is not open: %s", session_id, exc.code)
        except stripe.StripeError as exc:
            raise translated(exc, account) from exc

    async def checkout_state(self, account: Account, session_id: str) -> CheckoutState | None:
        """Return a checkout."""
        found = await self._desk.find(
            account,
            Session,
            lambda client, options: client.v1.checkout.sessions.retrieve_async(
                session_id, {"expand": ["payment_intent"]}, options
            ),
        )
        return None if found is None else checkout_state(found)

    async def payment(self, account: Account, payment_id: str) -> PaymentState | None:
        """Return a payment."""
        found = await self._desk.find(
            account,
            Payment,
            lambda client, options: client.v1.payment_intents.retrieve_async(
                payment_id, {"expand": ["latest_charge"]}, options
            ),
        )
        if found is None:
            return None
        charge = found.latest_charge
        lost = charge is not None and charge.disputed and await self._is_disputed(account, found.id)
        return payment_state(found, disputed=lost)

    async def _is_disputed(self, account: Account, payment_id: str) -> bool:
        """Whether a payment is disputed still, or was with success; a charge never forgets it."""
        found = await self._desk.every(
            account,
            Dispute,
            lambda client, options: client.v1.disputes.list_async(
                {"payment_intent": payment_id, "limit": PAGE}, options
            ),
        )
        return any(each.status not in WITHDRAWN for each in found)

    async def _open(
        self, account: Account, key: str, params: SessionCreateParams
    ) -> CheckoutSession:
        session = await self._desk.ask(
            account,
            Session,
            lambda client, options: client.v1.checkout.sessions.create_async(params, options),
            once(key, "checkout", params),
        )
        if session.url is None:
            raise BillingUnavailableError("The payment provider gave no page to pay at.")
        return CheckoutSession(id=session.id, url=session.url, expires_at=session.expires_at)


def _session(settings: StripeSettings, order: CheckoutOrder | CartOrder) -> SessionCreateParams:
    """Return what every checkout has in common."""
    params: SessionCreateParams = {
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
        "metadata": dict(order.references),
    }
    if settings.promotion_codes:
        params["allow_promotion_codes"] = True
    if settings.automatic_tax:
        params["automatic_tax"] = {"enabled": True}
        if order.customer_id is not None:  # Tax depends on the address that is entered.
            params["customer_update"] = {"address": "auto"}
    return params

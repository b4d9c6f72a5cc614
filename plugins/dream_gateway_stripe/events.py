"""What Stripe's webhooks tell: whether it is Stripe's, and of which object.

A signature is an HMAC-SHA256 of the time and the body, in the field `Stripe-Signature`:
https://docs.stripe.com/webhooks#verify-manually
"""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from dream_gateway.errors import InvalidCredentialError, InvalidRequestError
from dream_gateway.payments import About, Account, Endpoint, Event
from dream_gateway_stripe.shapes import StripeEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

logger = logging.getLogger(__name__)

TOLERANCE_SECONDS = 300
"""How old a message may be, and how far ahead of this gateway's clock."""

MOST_SIGNATURES = 16
DEAUTHORIZED = "account.application.deauthorized"

Thing = dict[str, Any]


def verified(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float
) -> StripeEvent:
    """Return an event that Stripe signed a short while ago, with any of the secrets."""
    parts = [part.partition("=") for part in headers.get("stripe-signature", "").split(",")]
    sent = next((value for name, _, value in parts if name.strip() == "t"), "")
    given = [value.encode("utf-8", "replace") for name, _, value in parts if name.strip() == "v1"]
    if not secrets:
        raise _refused("there is no secret to know it by")
    if not (sent.isascii() and sent.isdigit() and given):
        raise _refused("it is not signed")
    signed = sent.encode() + b"." + body
    expected = [hmac.digest(one.encode(), signed, "sha256").hex().encode() for one in secrets]
    if not any(hmac.compare_digest(e, g) for e in expected for g in given[:MOST_SIGNATURES]):
        raise _refused("its signature is another's")
    if abs(now - int(sent[:20])) > TOLERANCE_SECONDS:
        raise _refused("it is not of this time")
    try:
        return msgspec.json.decode(body, type=StripeEvent)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise InvalidRequestError("The event cannot be read.") from exc


def arrived(told: StripeEvent, endpoint: Endpoint) -> Event:
    """Return what an event tells. Raises `InvalidRequestError` for one of the other endpoint's.

    Developers' accounts are named in theirs, and the operator's own is not.
    """
    if (told.account is None) is (endpoint is Endpoint.CONNECT):
        raise InvalidRequestError("The event belongs to the other kind of endpoint.")
    return event(told)


def event(told: StripeEvent, account: str | None = None) -> Event:
    """Return what an event tells; `account` is whose it is where the event does not say."""
    owner = told.account or account
    about, ref = _about(told.type, told.data.object)
    if told.type == DEAUTHORIZED:
        ref = owner or ""
    return Event(
        id=told.id,
        type=told.type,
        account=Account(owner, told.livemode),
        created_at=told.created,
        about=about if ref else About.NOTHING,
        ref=ref,
        gone=told.type == DEAUTHORIZED,
    )


def _id(thing: Thing) -> object:
    return thing.get("id")


def _product_of(price: Thing) -> object:
    return price.get("product")


def _payment_of(thing: Thing) -> object:
    return thing.get("payment_intent")


def _subscription_of_schedule(schedule: Thing) -> object:
    return schedule.get("subscription") or schedule.get("released_subscription")


def _subscription_of_invoice(invoice: Thing) -> object:
    parent = invoice.get("parent")
    details = parent.get("subscription_details") if isinstance(parent, dict) else None
    return details.get("subscription") if isinstance(details, dict) else None


ABOUT: Mapping[str, tuple[About, Callable[[Thing], object]]] = {
    "customer.subscription.": (About.SUBSCRIPTION, _id),
    "subscription_schedule.": (About.SUBSCRIPTION, _subscription_of_schedule),
    "invoice.": (About.SUBSCRIPTION, _subscription_of_invoice),
    "checkout.session.": (About.CHECKOUT, _id),
    "payment_intent.": (About.PAYMENT, _id),
    "charge.": (About.PAYMENT, _payment_of),
    "refund.": (About.PAYMENT, _payment_of),
    "account.updated": (About.ACCOUNT, _id),
    DEAUTHORIZED: (About.ACCOUNT, _id),
    "product.": (About.CATALOGUE, _id),
    "price.": (About.CATALOGUE, _product_of),
    "customer.created": (About.CUSTOMER, _id),
    "customer.updated": (About.CUSTOMER, _id),
    "customer.deleted": (About.CUSTOMER, _id),
}
"""What an event is about, by how its type begins, and where in its object that is named."""


def _about(kind: str, thing: Thing) -> tuple[About, str]:
    for prefix, (about, named) in ABOUT.items():
        if kind.startswith(prefix):
            name = named(thing)
            if isinstance(name, dict):  # Some are expanded in events.
                name = name.get("id")
            return about, name if isinstance(name, str) else ""
    return About.NOTHING, ""


def _refused(why: str) -> InvalidCredentialError:
    """Return the error for a message that is not Stripe's; only the log says why."""
    logger.info("Refused a webhook of Stripe's: %s", why)
    return InvalidCredentialError()

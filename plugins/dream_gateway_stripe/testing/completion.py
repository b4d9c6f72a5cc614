"""What becomes of a checkout: it is paid, its money arrives later or not at all, or it expires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.call import Call
from dream_gateway_stripe.testing.cards import Card
from dream_gateway_stripe.testing.customers import create_customer
from dream_gateway_stripe.testing.faults import StripeFault, declined
from dream_gateway_stripe.testing.payments import pay, settle
from dream_gateway_stripe.testing.subscription import begin
from dream_gateway_stripe.testing.subscriptions import trial_until

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.world import World


def complete(
    world: World, books: Books, session: JSON, card: Card | None, email: str | None = None
) -> None:
    """Do what somebody does on the page: pay.

    Raises the refusal of the card, and then the session stays open. Without a card, a subscription
    begins that has a trial, if that was allowed.
    """
    if session["status"] != "open":
        raise StripeFault(f"This checkout session is {session['status']}.")
    if card is Card.DECLINES:
        raise declined()
    order = world.orders[session["id"]]
    trial_end = trial_until(world.now, order["trial"])
    if card is None and (trial_end is None or session["payment_method_collection"] == "always"):
        raise StripeFault("A payment method is needed.")
    _payer(world, books, session, email)
    if card is not None and session["customer"]:
        world.cards[session["customer"]] = card
    if session["mode"] == "subscription":
        subscription = begin(
            world,
            books,
            session["customer"],
            order["lines"],
            trial_end=trial_end,
            metadata=order["metadata"],
            trial_settings=order["trial_settings"],
        )
        free = trial_end is not None
        session |= {
            "subscription": subscription["id"],
            "invoice": subscription["latest_invoice"],
            "payment_status": "no_payment_required" if free else "paid",
        }
        if free:
            session |= {"amount_total": 0, "amount_subtotal": 0}
    else:
        _pay_once(world, books, session, card or Card.WORKS)
    session |= {"status": "complete", "url": None}
    world.happened(books, "checkout.session.completed", session)


def _payer(world: World, books: Books, session: JSON, email: str | None) -> None:
    """Fill in who pays; a subscription is always a customer's."""
    known = books.find(session["customer"], "customer")
    email = (known or {}).get("email") or session["customer_email"] or email or "guest@example.com"
    session["customer_details"] = {
        "address": None,
        "email": email,
        "name": (known or {}).get("name"),
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    needed = session["mode"] == "subscription" or session["customer_creation"] == "always"
    if known is None and needed:
        made = create_customer(Call(world, books, {"email": email}))
        session["customer"] = made["id"]


def _pay_once(world: World, books: Books, session: JSON, card: Card) -> None:
    intent = pay(
        world,
        books,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        card=card,
        metadata=world.orders[session["id"]]["payment_metadata"],
    )
    session["payment_intent"] = intent["id"]
    session["payment_status"] = "unpaid" if card is Card.SLOW else "paid"


def arrive(world: World, books: Books, session: JSON, *, succeeds: bool) -> None:
    """Let money that was on its way come, or not."""
    intent = books.get(session["payment_intent"] or "", "payment_intent")
    if intent["status"] != "processing":
        raise StripeFault("No payment is on its way.")
    settle(world, books, intent, succeeds=succeeds)
    if succeeds:
        session["payment_status"] = "paid"
    word = "succeeded" if succeeds else "failed"
    world.happened(books, f"checkout.session.async_payment_{word}", session)


def expire(world: World, books: Books, session: JSON) -> None:
    """Close a session that nobody completed."""
    if session["status"] != "open":
        raise StripeFault(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of {session['status']}."
        )
    session |= {"status": "expired", "url": None}
    world.happened(books, "checkout.session.expired", session)

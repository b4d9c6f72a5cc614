"""Checkout sessions: opened by the API, completed by somebody on the page, or left to expire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.books import fits
from dream_gateway_stripe.testing.calendar import DAY
from dream_gateway_stripe.testing.call import Call
from dream_gateway_stripe.testing.cards import Card
from dream_gateway_stripe.testing.customers import create_customer
from dream_gateway_stripe.testing.faults import StripeFault, declined
from dream_gateway_stripe.testing.payments import pay, settle
from dream_gateway_stripe.testing.subscription import begin
from dream_gateway_stripe.testing.subscriptions import trial_until

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.call import Routes
    from dream_gateway_stripe.testing.world import World

SHORTEST_SECONDS = 30 * 60
ONLY_IN = {"subscription_data": "subscription", "payment_intent_data": "payment"}


def create_session(call: Call) -> JSON:
    """Open a checkout."""
    wanted = call.params
    _check(call, wanted)
    lines = [_line(call, each) for each in wanted["line_items"]]
    total = sum(each["amount_total"] for each in lines)
    session = call.object(
        f"cs_{'live' if call.books.live else 'test'}",
        "checkout.session",
        allow_promotion_codes=wanted.get("allow_promotion_codes"),
        amount_subtotal=total,
        amount_total=total,
        automatic_tax={"enabled": False, "liability": None, "status": None},
        billing_address_collection=None,
        cancel_url=wanted.get("cancel_url"),
        client_reference_id=wanted.get("client_reference_id"),
        client_secret=None,
        currency=lines[0]["currency"],
        custom_fields=[],
        custom_text={},
        customer=wanted.get("customer"),
        customer_creation=wanted.get("customer_creation"),
        customer_details=None,
        customer_email=wanted.get("customer_email"),
        expires_at=wanted.get("expires_at", call.now + DAY),
        invoice=None,
        locale=wanted.get("locale"),
        metadata=wanted.get("metadata", {}),
        mode=wanted["mode"],
        payment_intent=None,
        payment_link=None,
        payment_method_collection=wanted.get("payment_method_collection", "always"),
        payment_method_types=["card", "sepa_debit"],
        payment_status="unpaid",
        setup_intent=None,
        shipping_options=[],
        status="open",
        subscription=None,
        success_url=wanted["success_url"],
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        ui_mode="hosted_page",
    )
    session["url"] = f"{call.world.base_url}/c/pay/{session['id']}"
    call.books.add(session)
    call.books.included[session["id"], "line_items"] = lines
    call.books.included[session["id"], "order"] = [dict(wanted)]
    return session


def _check(call: Call, wanted: JSON) -> None:
    mode = wanted.get("mode")
    for name in ("mode", "line_items", "success_url"):
        if not wanted.get(name):
            raise StripeFault(f"Missing required param: {name}.", param=name)
    for name, only in ONLY_IN.items():
        if name in wanted and mode != only:
            raise StripeFault(f"You can not pass `{name}` in `{mode}` mode.", param=name)
    if "customer" in wanted:
        call.books.get(wanted["customer"], "customer", "customer")
        if "customer_email" in wanted:
            raise StripeFault("You may only specify one of these: customer, customer_email.")
    trial_until(call.now, wanted.get("subscription_data", {}))
    expires_at = wanted.get("expires_at", call.now + DAY)
    if not call.now + SHORTEST_SECONDS <= expires_at <= call.now + DAY:
        raise StripeFault(
            "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from now.",
            param="expires_at",
        )
    kinds = {
        call.books.get(each["price"], "price", "line_items[price]")["type"]
        for each in wanted["line_items"]
        if "price" in each
    }
    if mode == "payment" and "recurring" in kinds:
        raise StripeFault(
            "You specified `payment` mode but passed a recurring price.", param="mode"
        )
    if mode == "subscription" and "recurring" not in kinds:
        raise StripeFault(
            "You must provide at least one recurring price in `subscription` mode.", param="mode"
        )


def _line(call: Call, wanted: JSON) -> JSON:
    if "price" not in wanted:
        raise StripeFault("The fake takes prices by id only.", param="line_items[price]")
    price = call.books.get(wanted["price"], "price", "line_items[price]")
    if not price["active"]:
        raise StripeFault("The price specified is inactive.", param="line_items[price]")
    metered = (price["recurring"] or {}).get("usage_type") == "metered"
    if metered and "quantity" in wanted:
        raise StripeFault("Quantity should not be specified for metered prices.")
    if not metered and wanted.get("quantity", 0) < 1:
        raise StripeFault("Quantity is required.", param="line_items[quantity]")
    product = call.books.get(price["product"], "product")
    if not product["active"]:
        raise StripeFault("The price's product is not active.", param="line_items[price]")
    amount = 0 if metered else price["unit_amount"] * wanted["quantity"]
    return {
        "id": call.world.id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"],
        "price": call.books.seen(price),
        "quantity": wanted.get("quantity"),
    }


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
    (wanted,) = books.included[session["id"], "order"]
    data = wanted.get("subscription_data", {})
    trial_end = trial_until(world.now, data)
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
            [
                {k: v for k, v in each.items() if k in ("price", "quantity")}
                for each in wanted["line_items"]
            ],
            trial_end=trial_end,
            metadata=data.get("metadata"),
            trial_settings=data.get("trial_settings"),
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
        _pay_once(world, books, session, card or Card.WORKS, wanted)
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


def _pay_once(world: World, books: Books, session: JSON, card: Card, wanted: JSON) -> None:
    intent = pay(
        world,
        books,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        card=card,
        metadata=wanted.get("payment_intent_data", {}).get("metadata"),
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


def expire_session(call: Call) -> JSON:
    """Close a session by the API."""
    session = call.books.get(call.parts[0], "checkout.session")
    expire(call.world, call.books, session)
    return session


def retrieve_session(call: Call) -> JSON:
    """Show a session."""
    return call.books.get(call.parts[0], "checkout.session")


def list_sessions(call: Call) -> JSON:
    """List sessions."""
    wanted = call.wanted("customer", "payment_intent", "subscription", "status", "created")
    found = [each for each in call.books.all("checkout.session") if fits(each, wanted)]
    return call.books.page(found, call.params, "/v1/checkout/sessions")


def list_lines(call: Call) -> JSON:
    """List what is in a session."""
    session = call.books.get(call.parts[0], "checkout.session")
    lines = call.books.included[session["id"], "line_items"]
    return call.books.page(
        lines[::-1], call.params, f"/v1/checkout/sessions/{session['id']}/line_items"
    )


ROUTES: Routes = {
    ("post", "/v1/checkout/sessions"): create_session,
    ("get", "/v1/checkout/sessions"): list_sessions,
    ("get", "/v1/checkout/sessions/{session}"): retrieve_session,
    ("post", "/v1/checkout/sessions/{session}/expire"): expire_session,
    ("get", "/v1/checkout/sessions/{session}/line_items"): list_lines,
}

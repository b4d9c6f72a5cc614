"""Checkout sessions, as the API opens, shows and closes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.books import copied, fits
from dream_gateway_stripe.testing.calendar import DAY
from dream_gateway_stripe.testing.completion import expire
from dream_gateway_stripe.testing.faults import StripeFault
from dream_gateway_stripe.testing.subscriptions import trial_until

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON
    from dream_gateway_stripe.testing.call import Call, Routes

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
    call.world.orders[session["id"]] = _order(wanted)
    return session


def _order(wanted: JSON) -> JSON:
    """Return what is to be done when the session is completed."""
    data = wanted.get("subscription_data", {})
    return {
        "lines": [
            {"price": each["price"], "quantity": each.get("quantity")}
            for each in wanted["line_items"]
        ],
        "metadata": copied(data.get("metadata")),
        "trial": {k: data[k] for k in ("trial_period_days", "trial_end") if k in data},
        "trial_settings": copied(data.get("trial_settings")),
        "payment_metadata": copied(wanted.get("payment_intent_data", {}).get("metadata")),
    }


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
    _check_prices(call, wanted, wanted["mode"])


def _check_prices(call: Call, wanted: JSON, mode: str) -> None:
    """Refuse prices that cannot be paid in a mode."""
    kinds = {
        call.books.get(each["price"], "price", "line_items[price]")["type"]
        for each in wanted["line_items"]
        if "price" in each
    }
    if mode == "payment" and "recurring" in kinds:
        raise StripeFault(
            "You specified `payment` mode but passed a recurring price.", param="mode"
        )
    if mode == "subscription" and "one_time" in kinds and "recurring" in kinds:
        raise StripeFault("The fake does not add products to a subscription.", param="line_items")
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

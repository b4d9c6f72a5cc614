"""The page where somebody pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.calendar import DAY
from dream_gateway_stripe.testing.cards import Card
from dream_gateway_stripe.testing.faults import StripeFault
from dream_gateway_stripe.testing.pages.rendering import go
from dream_gateway_stripe.testing.subscriptions import trial_until

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.pages.visit import Visit

LATER = "later"


def pay(visit: Visit) -> Response:
    """Show a checkout, or complete it and send the browser on."""
    books = visit.world.books_with(visit.path["id"])
    session = books.get(visit.path["id"], "checkout.session")
    if session["status"] != "open":
        return visit.renderer.told(f"This checkout is {session['status']}.", 410)
    if visit.form is None:
        return _show(visit, books, session)
    wanted = visit.form.get("card", Card.WORKS)
    card = Card.WORKS if wanted == LATER else Card(wanted)
    try:
        visit.people.check_out(session["id"], card, visit.form.get("email"))
    except StripeFault as fault:
        return _show(visit, books, session, str(fault))
    if wanted == LATER and session["customer"]:
        visit.people.use_card(session["customer"], Card.DECLINES)
    return go(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))


def _show(visit: Visit, books: Books, session: JSON, fault: str = "") -> Response:
    customer = books.find(session["customer"], "customer") or {}
    until = trial_until(visit.world.now, visit.world.orders[session["id"]]["trial"])
    return visit.renderer.page(
        "checkout.html",
        "Pay",
        fault=fault,
        status=402 if fault else 200,
        seller=visit.seller(books),
        session=session,
        lines=books.included[session["id"], "line_items"],
        trial_days=(until - visit.world.now) // DAY if until else 0,
        asks_email=not (customer.get("email") or session["customer_email"]),
    )

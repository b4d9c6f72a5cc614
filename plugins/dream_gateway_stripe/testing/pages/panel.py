"""The panel of whoever tries the fake: its time, what is not delivered, and what happens to payments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dream_gateway_stripe.testing.calendar import DAY
from dream_gateway_stripe.testing.faults import StripeFault
from dream_gateway_stripe.testing.pages.rendering import go, money
from dream_gateway_stripe.testing.passing import pass_time
from dream_gateway_stripe.testing.world import PLATFORM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.responses import Response

    from dream_gateway_stripe.testing.books import JSON
    from dream_gateway_stripe.testing.pages.visit import Visit

MODES = {True: "live", False: "test"}


def panel(visit: Visit) -> Response:
    """Show the panel."""
    return visit.renderer.page(
        "panel.html",
        "Panel",
        width="wide",
        now=visit.world.now,
        may_advance=hasattr(visit.world.clock, "advance"),
        pending=visit.world.post.pending(),
        payments=list(_payments(visit))[::-1],
        accounts=[
            {
                **one,
                "modes": [
                    MODES[live] for live in MODES if (one["id"], live) in visit.world.connected
                ],
            }
            for one in visit.world.accounts.values()
            if one["id"] != PLATFORM
        ],
    )


def _payments(visit: Visit) -> Iterator[dict[str, Any]]:
    for books in visit.world.all_books:
        for intent in books.all("payment_intent"):
            charge = books.find(intent["latest_charge"], "charge") or {}
            paid = charge.get("paid") and not charge["disputed"] and not charge["refunded"]
            status = intent["status"]
            yield {
                "id": intent["id"],
                "account": visit.seller(books),
                "amount": money(intent["amount"], intent["currency"]),
                "status": _status(intent, charge),
                "acts": ["refund", "dispute"]
                if paid
                else ["arrive", "fail"]
                if status == "processing"
                else [],
            }


def _status(intent: JSON, charge: JSON) -> str:
    if charge.get("disputed"):
        return "disputed"
    if charge.get("amount_refunded"):
        return f"{money(charge['amount_refunded'], charge['currency'])} refunded"
    return str(intent["status"]).replace("_", " ")


def press(visit: Visit) -> Response:
    """Do what a button of the panel says."""
    act = ACTS.get(visit.path["act"])
    if act is None or visit.form is None:
        raise StripeFault("There is no such button.", status=404)
    act(visit, visit.form)
    return go("/")


def _advance(visit: Visit, form: JSON) -> None:
    clock: Any = visit.world.clock
    clock.advance(int(form["days"]) * DAY)
    pass_time(visit.world)


def _session_of(visit: Visit, form: JSON) -> str:
    books = visit.world.books_with(form["payment"])
    for session in books.all("checkout.session"):
        if session["payment_intent"] == form["payment"]:
            return str(session["id"])
    raise StripeFault("No checkout has this payment.", status=404)


ACTS: dict[str, Callable[[Visit, JSON], object]] = {
    "advance": _advance,
    "refund": lambda visit, form: visit.people.refund(form["payment"]),
    "dispute": lambda visit, form: visit.people.dispute(form["payment"]),
    "arrive": lambda visit, form: visit.people.settle(_session_of(visit, form), succeeds=True),
    "fail": lambda visit, form: visit.people.settle(_session_of(visit, form), succeeds=False),
    "revoke": lambda visit, form: visit.people.revoke(form["account"], live=form["mode"] == "live"),
}

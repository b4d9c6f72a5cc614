"""The page where a customer sees and changes what they pay for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dream_gateway_stripe.testing.cards import Card
from dream_gateway_stripe.testing.faults import StripeFault
from dream_gateway_stripe.testing.pages.paying import LATER
from dream_gateway_stripe.testing.pages.rendering import each as how_often
from dream_gateway_stripe.testing.pages.rendering import go, money
from dream_gateway_stripe.testing.portal_acts import Portal
from dream_gateway_stripe.testing.subscription import items, period_end

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway_stripe.testing.books import JSON
    from dream_gateway_stripe.testing.pages.visit import Visit

OPEN = ("open", "draft")


def portal(visit: Visit) -> Response:
    """Show the portal, or do what a button says and show it again."""
    books = visit.world.books_with(visit.path["id"])
    session = books.get(visit.path["id"], "billing_portal.session")
    opened = Portal(visit.world, books, session)
    if visit.form is None:
        return _show(visit, opened)
    try:
        _do(visit, opened, visit.path.get("act", ""), visit.form)
    except StripeFault as fault:
        return _show(visit, opened, str(fault))
    return go(f"/p/session/{session['id']}")


def _do(visit: Visit, opened: Portal, act: str, form: JSON) -> None:
    customer = opened.session["customer"]
    if act == "cancel":
        opened.cancel(form["subscription"])
    elif act == "keep":
        opened.keep(form["subscription"])
    elif act == "change":
        opened.change(form["subscription"], form["price"])
    elif act == "card":
        wanted = form.get("card", Card.WORKS)
        visit.people.use_card(customer, Card.WORKS if wanted == LATER else Card(wanted))
        visit.people.pay_open(customer)
        if wanted == LATER:
            visit.people.use_card(customer, Card.DECLINES)
    else:
        raise StripeFault("There is no such thing to do.", status=404)


def _show(visit: Visit, opened: Portal, fault: str = "") -> Response:
    customer = opened.books.get(opened.session["customer"], "customer")
    invoices = [one for one in opened.books.all("invoice") if one["customer"] == customer["id"]]
    owed = sum(one["amount_due"] for one in invoices if one["status"] in OPEN)
    currency = invoices[-1]["currency"] if invoices else "usd"
    features = opened.features
    return visit.renderer.page(
        "portal.html",
        "What you pay",
        fault=fault,
        status=402 if fault else 200,
        seller=visit.seller(opened.books),
        session=opened.session,
        path=f"/p/session/{opened.session['id']}",
        customer=customer,
        subscriptions=[_shown(opened, one) for one in opened.subscriptions],
        may_cancel=features["subscription_cancel"]["enabled"],
        may_pay=features["payment_method_update"]["enabled"],
        shows_invoices=features["invoice_history"]["enabled"],
        invoices=invoices[::-1],
        owed=money(owed, currency) if owed else "",
    )


def _shown(opened: Portal, subscription: JSON) -> dict[str, Any]:
    price = items(subscription)[0]["price"]
    return {
        "id": subscription["id"],
        "name": _name(opened, price),
        "price": _priced(price),
        "status": subscription["status"].replace("_", " "),
        "cancel_at": subscription["cancel_at"],
        "period_end": period_end(subscription),
        "next": _next(opened, subscription),
        "choices": [
            {"id": one["id"], "name": _name(opened, one), "price": _priced(one)}
            for one in opened.prices
            if one["id"] != price["id"] or subscription["schedule"]
        ],
    }


def _next(opened: Portal, subscription: JSON) -> str:
    """Write what comes with the next period, if it is something else."""
    schedule = opened.books.find(subscription["schedule"], "subscription_schedule")
    if schedule is None or len(schedule["phases"]) < 2:
        return ""
    price = opened.books.get(schedule["phases"][-1]["items"][0]["price"], "price")
    return f"{_name(opened, price)}, {_priced(price)}"


def _name(opened: Portal, price: JSON) -> str:
    return str(opened.books.get(price["product"], "product")["name"])


def _priced(price: JSON) -> str:
    return money(price["unit_amount"], price["currency"]) + how_often(price)

"""Invoices: what is due for which period, and every attempt to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.books import fits, list_of
from dream_gateway_stripe.testing.calendar import DAY
from dream_gateway_stripe.testing.cards import Card
from dream_gateway_stripe.testing.faults import StripeFault
from dream_gateway_stripe.testing.payments import pay

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.call import Call, Routes
    from dream_gateway_stripe.testing.world import World


def line(
    world: World, books: Books, item: JSON, *, amount: int, period: tuple[int, int], text: str
) -> JSON:
    """Return a line of an invoice, for a subscription's item and a period."""
    price = item["price"]
    return {
        "id": world.id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": text,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": books.live,
        "metadata": {},
        "parent": {
            "type": "subscription_item_details",
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": None,
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
        },
        "period": {"start": period[0], "end": period[1]},
        "pricing": {
            "type": "price_details",
            "price_details": {"price": price["id"], "product": price["product"]},
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": item.get("quantity"),
        "subtotal": amount,
        "taxes": [],
    }


def bill(world: World, books: Books, subscription: JSON, lines: list[JSON], reason: str) -> JSON:
    """Make an invoice that is open, with what was left over from before. It is not charged yet."""
    lines = [*world.pending_lines.pop(subscription["id"], []), *lines]
    customer = books.get(subscription["customer"], "customer")
    total = sum(each["amount"] for each in lines)
    due = max(0, total + customer["balance"])
    invoice = {
        **_blank(world, books, subscription, reason),
        "amount_due": due,
        "amount_remaining": due,
        "starting_balance": customer["balance"],
        "subtotal": total,
        "total": total,
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "lines": list_of(lines, "/v1/invoices/lines"),
        "period_start": min((each["period"]["start"] for each in lines), default=world.now),
        "period_end": max((each["period"]["end"] for each in lines), default=world.now),
    }
    invoice["number"] = f"FAKE-{invoice['id'][3:9]}"
    invoice["hosted_invoice_url"] = f"{world.base_url}/i/{invoice['id']}"
    for each in lines:
        each["invoice"] = invoice["id"]
    customer["balance"] = min(0, total + customer["balance"])
    subscription["latest_invoice"] = invoice["id"]
    books.included[invoice["id"], "payments"] = []
    books.add(invoice)
    world.happened(books, "invoice.created", invoice)
    world.happened(books, "invoice.finalized", invoice)
    return invoice


def _blank(world: World, books: Books, subscription: JSON, reason: str) -> JSON:
    return {
        "id": world.id("in"),
        "object": "invoice",
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {"enabled": False, "liability": None, "status": None},
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": world.now,
        "currency": subscription["currency"],
        "customer": subscription["customer"],
        "default_payment_method": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": world.now,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "livemode": books.live,
        "metadata": {},
        "next_payment_attempt": None,
        "parent": {
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": {
                "metadata": subscription["metadata"],
                "subscription": subscription["id"],
            },
        },
        "payment_settings": {"payment_method_options": None, "payment_method_types": None},
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "status": "open",
        "status_transitions": {
            "finalized_at": world.now,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
    }


def subscription_of(invoice: JSON) -> str:
    """Return the id of the subscription that an invoice is for."""
    return str(invoice["parent"]["subscription_details"]["subscription"])


def attempt(world: World, books: Books, invoice: JSON, card: Card | None = None) -> bool:
    """Try to have an invoice paid, and tell whether it is."""
    customer = invoice["customer"]
    used = card or world.cards.get(customer)
    if invoice["amount_due"] == 0:
        return _paid(world, books, invoice)
    # What a subscription owes is known at once: slow money is for checkouts.
    works = used in (Card.WORKS, Card.SLOW)
    intent = pay(
        world,
        books,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer=customer,
        card=Card.WORKS if works else Card.DECLINES,
    )
    invoice["attempt_count"] += 1
    invoice["attempted"] = True
    _note_payment(world, books, invoice, intent, paid=works)
    if works:
        return _paid(world, books, invoice)
    retries = world.policy.retries
    tried = invoice["attempt_count"] - 1
    later = invoice["created"] + retries[tried] * DAY if tried < len(retries) else None
    invoice["next_payment_attempt"] = later
    world.happened(books, "invoice.payment_failed", invoice)
    return False


def _paid(world: World, books: Books, invoice: JSON) -> bool:
    invoice |= {
        "status": "paid",
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "attempted": True,
        "next_payment_attempt": None,
    }
    invoice["status_transitions"]["paid_at"] = world.now
    world.happened(books, "invoice.paid", invoice)
    world.happened(books, "invoice.payment_succeeded", invoice)
    return True


def _note_payment(world: World, books: Books, invoice: JSON, intent: JSON, *, paid: bool) -> None:
    payment = {
        "id": world.id("inpay"),
        "object": "invoice_payment",
        "amount_paid": intent["amount"] if paid else None,
        "amount_requested": intent["amount"],
        "created": world.now,
        "currency": intent["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": books.live,
        "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        "status": "paid" if paid else "open",
        "status_transitions": {"canceled_at": None, "paid_at": world.now if paid else None},
    }
    books.included[invoice["id"], "payments"].append(payment)
    books.add(payment)


def void_invoice(call: Call) -> JSON:
    """Have an invoice never paid."""
    invoice = call.books.get(call.parts[0], "invoice")
    if invoice["status"] != "open":
        raise StripeFault("Only open invoices can be voided.", code="invoice_not_open")
    invoice |= {"status": "void", "next_payment_attempt": None}
    invoice["status_transitions"]["voided_at"] = call.now
    call.world.happened(call.books, "invoice.voided", invoice)
    return invoice


def retrieve_invoice(call: Call) -> JSON:
    """Show an invoice."""
    return call.books.get(call.parts[0], "invoice")


def list_invoices(call: Call) -> JSON:
    """List invoices."""
    wanted = call.wanted("customer", "status", "created")
    subscription = call.params.get("subscription")
    found = [
        each
        for each in call.books.all("invoice")
        if fits(each, wanted) and subscription in (None, subscription_of(each))
    ]
    return call.books.page(found, call.params, "/v1/invoices")


def list_payments(call: Call) -> JSON:
    """List the payments of invoices."""
    wanted = call.wanted("invoice", "status", "created")
    found = [each for each in call.books.all("invoice_payment") if fits(each, wanted)]
    return call.books.page(found, call.params, "/v1/invoice_payments")


ROUTES: Routes = {
    ("get", "/v1/invoices"): list_invoices,
    ("get", "/v1/invoices/{invoice}"): retrieve_invoice,
    ("post", "/v1/invoices/{invoice}/void"): void_invoice,
    ("get", "/v1/invoice_payments"): list_payments,
}

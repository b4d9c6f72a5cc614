"""Money that moves: payment intents, charges, refunds and disputes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.books import fits, merge_metadata
from dream_gateway_stripe.testing.cards import Card
from dream_gateway_stripe.testing.faults import StripeFault

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.call import Call, Routes
    from dream_gateway_stripe.testing.world import World


def pay(
    world: World,
    books: Books,
    *,
    amount: int,
    currency: str,
    customer: str | None,
    card: Card | None,
    metadata: JSON | None = None,
) -> JSON:
    """Try to take money, and return the payment intent."""
    intent = {
        "id": world.id("pi"),
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "capture_method": "automatic",
        "client_secret": None,
        "confirmation_method": "automatic",
        "created": world.now,
        "currency": currency,
        "customer": customer,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": books.live,
        "metadata": metadata or {},
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card"],
        "receipt_email": None,
        "status": "processing",
    }
    books.add(intent)
    world.happened(books, "payment_intent.created", intent)
    if card is not Card.SLOW:
        settle(world, books, intent, succeeds=card is Card.WORKS)
    else:
        world.happened(books, "payment_intent.processing", intent)
    return intent


def settle(world: World, books: Books, intent: JSON, *, succeeds: bool) -> None:
    """Let a payment succeed or fail."""
    charge = _charge(world, books, intent, succeeds=succeeds)
    intent["latest_charge"] = charge["id"]
    if succeeds:
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        intent["last_payment_error"] = None
        world.happened(books, "charge.succeeded", charge)
        world.happened(books, "payment_intent.succeeded", intent)
    else:
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = {
            "type": "card_error",
            "code": "card_declined",
            "message": "Your card was declined.",
            "charge": charge["id"],
        }
        world.happened(books, "charge.failed", charge)
        world.happened(books, "payment_intent.payment_failed", intent)


def _charge(world: World, books: Books, intent: JSON, *, succeeds: bool) -> JSON:
    amount = intent["amount"]
    return books.add(
        {
            "id": world.id("ch"),
            "object": "charge",
            "amount": amount,
            "amount_captured": amount if succeeds else 0,
            "amount_refunded": 0,
            "balance_transaction": None,
            "billing_details": {
                "address": None,
                "email": None,
                "name": None,
                "phone": None,
                "tax_id": None,
            },
            "captured": succeeds,
            "created": world.now,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": None,
            "disputed": False,
            "failure_code": None if succeeds else "card_declined",
            "failure_message": None if succeeds else "Your card was declined.",
            "livemode": books.live,
            "metadata": {},
            "paid": succeeds,
            "payment_intent": intent["id"],
            "payment_method": None,
            "receipt_email": None,
            "refunded": False,
            "status": "succeeded" if succeeds else "failed",
        }
    )


def refund(
    world: World, books: Books, charge: JSON, amount: int | None, reason: str | None
) -> JSON:
    """Give money back: all that is left, or a part."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    wanted = left if amount is None else amount
    if left == 0:
        raise StripeFault(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if not 0 < wanted <= left:
        raise StripeFault("Refund amount is greater than unrefunded amount.", param="amount")
    before = books.seen(charge)
    charge["amount_refunded"] += wanted
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    made = books.add(
        {
            "id": world.id("re"),
            "object": "refund",
            "amount": wanted,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": world.now,
            "currency": charge["currency"],
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "receipt_number": None,
            "status": "succeeded",
        }
    )
    world.happened(books, "refund.created", made)
    world.updated(books, "charge.refunded", charge, before)
    return made


def dispute(world: World, books: Books, charge: JSON) -> JSON:
    """Let a cardholder's bank take the money back, for now."""
    charge["disputed"] = True
    made = books.add(
        {
            "id": world.id("dp"),
            "object": "dispute",
            "amount": charge["amount"],
            "balance_transactions": [],
            "charge": charge["id"],
            "created": world.now,
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": None,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "is_charge_refundable": False,
            "livemode": books.live,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": "fraudulent",
            "status": "needs_response",
        }
    )
    world.happened(books, "charge.dispute.created", made)
    world.happened(books, "charge.dispute.funds_withdrawn", made)
    return made


def close_dispute(world: World, books: Books, made: JSON, *, won: bool) -> None:
    """Decide a dispute."""
    before = books.seen(made)
    made["status"] = "won" if won else "lost"
    if won:
        world.happened(books, "charge.dispute.funds_reinstated", made)
    world.updated(books, "charge.dispute.closed", made, before)


def create_refund(call: Call) -> JSON:
    """Refund a charge, named by itself or by its payment."""
    wanted = call.params
    charge_id = wanted.get("charge")
    if charge_id is None:
        if "payment_intent" not in wanted:
            raise StripeFault("One of the following params should be provided: charge.")
        intent = call.books.get(wanted["payment_intent"], "payment_intent", "payment_intent")
        charge_id = intent["latest_charge"] or ""
    charge = call.books.get(charge_id, "charge", "charge")
    made = refund(call.world, call.books, charge, wanted.get("amount"), wanted.get("reason"))
    merge_metadata(made, wanted.get("metadata"))
    return made


def _shown(kind: str, call: Call) -> JSON:
    return call.books.get(call.parts[0], kind)


def list_charges(call: Call) -> JSON:
    """List charges."""
    wanted = call.wanted("customer", "payment_intent", "created")
    found = [each for each in call.books.all("charge") if fits(each, wanted)]
    return call.books.page(found, call.params, "/v1/charges")


def list_disputes(call: Call) -> JSON:
    """List disputes."""
    wanted = call.wanted("charge", "payment_intent", "created")
    found = [each for each in call.books.all("dispute") if fits(each, wanted)]
    return call.books.page(found, call.params, "/v1/disputes")


ROUTES: Routes = {
    ("get", "/v1/payment_intents/{intent}"): lambda call: _shown("payment_intent", call),
    ("get", "/v1/charges"): list_charges,
    ("get", "/v1/charges/{charge}"): lambda call: _shown("charge", call),
    ("post", "/v1/refunds"): create_refund,
    ("get", "/v1/refunds/{refund}"): lambda call: _shown("refund", call),
    ("get", "/v1/disputes"): list_disputes,
    ("get", "/v1/disputes/{dispute}"): lambda call: _shown("dispute", call),
}

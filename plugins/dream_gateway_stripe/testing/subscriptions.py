"""What is asked about subscriptions: begin, change, cancel, and go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dream_gateway_stripe.testing.books import fits, merge_metadata
from dream_gateway_stripe.testing.calendar import DAY
from dream_gateway_stripe.testing.cards import Card
from dream_gateway_stripe.testing.faults import StripeFault, declined
from dream_gateway_stripe.testing.plan_changes import change_items
from dream_gateway_stripe.testing.subscription import (
    OVER,
    begin,
    end,
    end_trial,
    items,
    pay_invoice,
    period_end,
    renew,
)

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.call import Call, Routes
    from dream_gateway_stripe.testing.world import World


def create_subscription(call: Call) -> JSON:
    """Begin a subscription without a checkout."""
    wanted = call.params
    customer = call.books.get(wanted.get("customer", ""), "customer", "customer")
    if not wanted.get("items"):
        raise StripeFault("Missing required param: items.", param="items")
    card = call.world.cards.get(customer["id"])
    behavior = wanted.get("payment_behavior", "allow_incomplete")
    trial_end = trial_until(call.now, wanted)
    if trial_end is None and behavior == "error_if_incomplete" and card in (None, Card.DECLINES):
        raise declined()
    return begin(
        call.world,
        call.books,
        customer["id"],
        wanted["items"],
        trial_end=trial_end,
        metadata=wanted.get("metadata"),
        trial_settings=wanted.get("trial_settings"),
        card=None if behavior != "default_incomplete" else Card.DECLINES,
    )


def trial_until(now: int, wanted: JSON) -> int | None:
    """Return when a trial ends, `None` if there is none."""
    if "trial_period_days" in wanted:
        if wanted["trial_period_days"] < 1:
            raise StripeFault(
                "The minimum number of trial period days is 1.", param="trial_period_days"
            )
        return now + int(wanted["trial_period_days"]) * DAY
    end_at = wanted.get("trial_end")
    return None if end_at in (None, "now") else int(end_at)


def retrieve_subscription(call: Call) -> JSON:
    """Show a subscription."""
    return call.books.get(call.parts[0], "subscription")


def list_subscriptions(call: Call) -> JSON:
    """List subscriptions: those that are over only if `status` asks for them."""
    wanted = call.wanted("customer", "created")
    status, price = call.params.get("status"), call.params.get("price")
    found = [
        each
        for each in call.books.all("subscription")
        if fits(each, wanted)
        and _has_status(each, status)
        and price in (None, *(item["price"]["id"] for item in items(each)))
    ]
    return call.books.page(found, call.params, "/v1/subscriptions")


def _has_status(subscription: JSON, wanted: str | None) -> bool:
    status = subscription["status"]
    if wanted is None:
        return status not in OVER
    return wanted in ("all", status) or (wanted == "ended" and status in OVER)


def update_subscription(call: Call) -> JSON:
    """Change a subscription: its prices, its end, its trial, or what is noted about it."""
    subscription = call.books.get(call.parts[0], "subscription")
    wanted = call.params
    before = call.books.seen(subscription)
    merge_metadata(subscription, wanted.get("metadata"))
    try:
        _change(call, subscription, wanted)
    except StripeFault:
        # A change that is refused changes nothing.
        subscription |= before
        raise
    call.world.updated(call.books, "customer.subscription.updated", subscription, before)
    return subscription


def _change(call: Call, subscription: JSON, wanted: JSON) -> None:
    over = subscription["status"] in OVER
    if over and set(wanted) - {"metadata", "expand", "cancellation_details"}:
        raise StripeFault("A canceled subscription can only update its cancellation details.")
    if "cancel_at_period_end" in wanted or "cancel_at" in wanted:
        schedule_end(call.world, call.books, subscription, wanted)
    if "cancellation_details" in wanted:
        subscription["cancellation_details"] |= wanted["cancellation_details"]
    if "items" in wanted:
        change_items(
            call.world,
            call.books,
            subscription,
            wanted["items"],
            proration=wanted.get("proration_behavior", "create_prorations"),
            anchor=wanted.get("billing_cycle_anchor", {}).get("type", "unchanged"),
            behavior=wanted.get("payment_behavior", "allow_incomplete"),
        )
    if "trial_end" in wanted:
        _change_trial(call, subscription, wanted["trial_end"])


def _change_trial(call: Call, subscription: JSON, wanted: Any) -> None:
    if wanted == "now":
        if subscription["status"] == "trialing":
            end_trial(call.world, call.books, subscription)
        return
    if wanted <= call.now:
        raise StripeFault("Invalid timestamp: must be in the future.", param="trial_end")
    subscription |= {"trial_end": wanted, "billing_cycle_anchor": wanted, "status": "trialing"}
    for item in items(subscription):
        item["current_period_end"] = wanted


def schedule_end(world: World, books: Books, subscription: JSON, wanted: JSON) -> None:
    """Decide when a subscription ends, or that it does not."""
    schedule = books.find(subscription["schedule"], "subscription_schedule")
    if schedule is not None:
        raise StripeFault(
            f"The subscription is managed by the subscription schedule `{schedule['id']}`, and "
            "updating any cancelation behavior directly is not allowed. Please update the "
            "schedule instead."
        )
    if "cancel_at" in wanted and "cancel_at_period_end" in wanted:
        raise StripeFault("You may only specify one of cancel_at and cancel_at_period_end.")
    at = wanted.get("cancel_at", "")
    at_period_end = wanted.get("cancel_at_period_end", False)
    if at_period_end or at in ("min_period_end", "max_period_end"):
        at = period_end(subscription)
    if at != "" and at <= world.now:
        raise StripeFault("Invalid timestamp: must be in the future.", param="cancel_at")
    subscription |= {
        "cancel_at": None if at == "" else at,
        "cancel_at_period_end": at_period_end,
        "canceled_at": None if at == "" else world.now,
    }
    reason = None if at == "" else "cancellation_requested"
    subscription["cancellation_details"]["reason"] = reason


def cancel_subscription(call: Call) -> JSON:
    """End a subscription at once."""
    subscription = call.books.get(call.parts[0], "subscription")
    if subscription["status"] in OVER:
        raise StripeFault(
            f"No such subscription: '{subscription['id']}'", status=404, code="resource_missing"
        )
    if "cancellation_details" in call.params:
        subscription["cancellation_details"] |= call.params["cancellation_details"]
    end(call.world, call.books, subscription)
    return subscription


def resume_subscription(call: Call) -> JSON:
    """Let a subscription go on that paused because its trial ended without a card."""
    subscription = call.books.get(call.parts[0], "subscription")
    if subscription["status"] != "paused":
        raise StripeFault("Only paused subscriptions can be resumed.")
    before = call.books.seen(subscription)
    subscription |= {"status": "active", "billing_cycle_anchor": call.now}
    renew(call.world, call.books, subscription)
    call.world.updated(call.books, "customer.subscription.resumed", subscription, before)
    return subscription


def pay_open_invoice(call: Call) -> JSON:
    """Pay an invoice by the API, with the customer's card."""
    invoice = call.books.get(call.parts[0], "invoice")
    if invoice["status"] != "open":
        raise StripeFault(f"Invoice is {invoice['status']}.", code="invoice_not_open")
    if not pay_invoice(call.world, call.books, invoice):
        raise declined()
    return invoice


ROUTES: Routes = {
    ("post", "/v1/invoices/{invoice}/pay"): pay_open_invoice,
    ("post", "/v1/subscriptions"): create_subscription,
    ("get", "/v1/subscriptions"): list_subscriptions,
    ("get", "/v1/subscriptions/{subscription_exposed_id}"): retrieve_subscription,
    ("post", "/v1/subscriptions/{subscription_exposed_id}"): update_subscription,
    ("delete", "/v1/subscriptions/{subscription_exposed_id}"): cancel_subscription,
    ("post", "/v1/subscriptions/{subscription}/resume"): resume_subscription,
}

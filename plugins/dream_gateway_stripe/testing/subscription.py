"""Subscriptions as they live: begun, paid or not, renewed, and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.books import list_of
from dream_gateway_stripe.testing.calendar import period_at
from dream_gateway_stripe.testing.invoices import attempt, bill, line, subscription_of
from dream_gateway_stripe.testing.meters import owed

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.cards import Card
    from dream_gateway_stripe.testing.world import World

OVER = ("canceled", "incomplete_expired")
OWING = ("past_due", "unpaid", "incomplete")


def begin(
    world: World,
    books: Books,
    customer: str,
    wanted: list[JSON],
    *,
    trial_end: int | None = None,
    metadata: JSON | None = None,
    trial_settings: JSON | None = None,
    card: Card | None = None,
) -> JSON:
    """Start a subscription: with a trial, or by its first payment."""
    id_ = world.id("sub")
    currency = books.get(wanted[0]["price"], "price", "price")["currency"]
    anchor = trial_end or world.now
    subscription = {
        **_blank(world, books, id_, customer, currency),
        "billing_cycle_anchor": anchor,
        "metadata": metadata or {},
        "status": "incomplete" if trial_end is None else "trialing",
        "trial_end": trial_end,
        "trial_settings": trial_settings,
        "trial_start": None if trial_end is None else world.now,
    }
    books.add(subscription)
    subscription["items"] = list_of([], f"/v1/subscription_items?subscription={id_}")
    for each in wanted:
        item = new_item(world, books, subscription, each["price"], each.get("quantity", 1))
        subscription["items"]["data"].append(item)
    if trial_end is not None:
        for item in items(subscription):
            item |= {"current_period_start": world.now, "current_period_end": trial_end}
    first = bill(
        world,
        books,
        subscription,
        licensed_lines(world, books, subscription),
        "subscription_create",
    )
    paid = attempt(world, books, first, card)
    if trial_end is None:
        subscription["status"] = "active" if paid else "incomplete"
    world.happened(books, "customer.subscription.created", subscription)
    return subscription


def _blank(world: World, books: Books, id_: str, customer: str, currency: str) -> JSON:
    return {
        "id": id_,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"enabled": False, "liability": None, "disabled_reason": None},
        "billing_mode": {"type": "flexible", "updated_at": None},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": world.now,
        "currency": currency,
        "customer": customer,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "latest_invoice": None,
        "livemode": books.live,
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": world.now,
        "test_clock": None,
        "transfer_data": None,
    }


def new_item(
    world: World, books: Books, subscription: JSON, price_id: str, quantity: int | None
) -> JSON:
    """Return a new item of a subscription, in the period that it is in."""
    price = books.get(price_id, "price", "items[price]")
    period = period_of(world, subscription["billing_cycle_anchor"], price)
    item = {
        "id": world.id("si"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": world.now,
        "current_period_start": period[0],
        "current_period_end": period[1],
        "discounts": [],
        "metadata": {},
        "subscription": subscription["id"],
        "tax_rates": [],
    }
    put_price(item, books.seen(price), quantity)
    return item


def put_price(item: JSON, price: JSON, quantity: int | None) -> None:
    """Give an item a price, and the plan that is the same in the words of before."""
    recurring = price["recurring"]
    item["price"] = price
    item["plan"] = {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": price["livemode"],
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "product": price["product"],
        "usage_type": recurring["usage_type"],
    }
    if recurring["usage_type"] == "licensed":
        item["quantity"] = 1 if quantity is None else quantity
    else:
        item.pop("quantity", None)


def period_of(world: World, anchor: int, price: JSON) -> tuple[int, int]:
    """Return the period that is now, for a price and an anchor."""
    recurring = price["recurring"]
    start = min(anchor, world.now)
    return period_at(start, recurring["interval"], recurring["interval_count"], world.now)


def items(subscription: JSON) -> list[JSON]:
    """Return a subscription's items."""
    found: list[JSON] = subscription["items"]["data"]
    return found


def period_end(subscription: JSON) -> int:
    """Return when the current period ends."""
    return int(min(each["current_period_end"] for each in items(subscription)))


def is_licensed(item: JSON) -> bool:
    """Tell whether an item is paid before it is used, and not by usage afterwards."""
    return bool(item["price"]["recurring"]["usage_type"] == "licensed")


def cost(item: JSON) -> int:
    """Return what an item costs for a period, in minor units."""
    return (
        int(item["price"]["unit_amount"] or 0) * int(item["quantity"]) if is_licensed(item) else 0
    )


def licensed_lines(world: World, books: Books, subscription: JSON) -> list[JSON]:
    """Return what the current period costs in advance: nothing in a trial."""
    free = subscription["status"] == "trialing"
    return [
        line(
            world,
            books,
            each,
            amount=0 if free else cost(each),
            period=(each["current_period_start"], each["current_period_end"]),
            text="Trial period" if free else f"{each['quantity']} of {each['price']['id']}",
        )
        for each in items(subscription)
        if is_licensed(each)
    ]


def metered_lines(world: World, books: Books, subscription: JSON) -> list[JSON]:
    """Return what was used in the period that ends."""
    found = []
    for each in items(subscription):
        if not is_licensed(each):
            period = (each["current_period_start"], each["current_period_end"])
            units, amount = owed(world, books, each["price"], subscription["customer"], period)
            found.append(
                line(world, books, each, amount=amount, period=period, text=f"{units} units")
            )
    return found


def renew(world: World, books: Books, subscription: JSON) -> None:
    """Begin the next period, and have it paid."""
    before = books.seen(subscription)
    used = metered_lines(world, books, subscription)
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    anchor = subscription["billing_cycle_anchor"]
    for each in items(subscription):
        start, end = period_of(world, anchor, each["price"])
        each |= {"current_period_start": start, "current_period_end": end}
    lines = [*used, *licensed_lines(world, books, subscription)]
    invoice = bill(world, books, subscription, lines, "subscription_cycle")
    if subscription["status"] == "unpaid":
        # It is not tried any more until somebody pays what is open.
        invoice |= {"status": "draft", "auto_advance": False}
    elif not attempt(world, books, invoice):
        subscription["status"] = "past_due"
    world.updated(books, "customer.subscription.updated", subscription, before)


def end_trial(world: World, books: Books, subscription: JSON) -> None:
    """Begin the first period that is paid for, now."""
    subscription |= {"trial_end": world.now, "billing_cycle_anchor": world.now}
    renew(world, books, subscription)


def retry(world: World, books: Books, invoice: JSON) -> None:
    """Try an open invoice again, and give up after the last time."""
    subscription = books.get(subscription_of(invoice), "subscription")
    before = books.seen(subscription)
    if attempt(world, books, invoice):
        recover(world, books, subscription)
    elif invoice["next_payment_attempt"] is None:
        if world.policy.then == "canceled":
            end(world, books, subscription, "payment_failed")
            return
        subscription["status"] = world.policy.then
        world.updated(books, "customer.subscription.updated", subscription, before)


def pay_invoice(world: World, books: Books, invoice: JSON) -> bool:
    """Have somebody pay an invoice now, and tell whether it is paid."""
    invoice["status"] = "open"
    paid = attempt(world, books, invoice)
    recover(world, books, books.get(subscription_of(invoice), "subscription"))
    return paid


def recover(world: World, books: Books, subscription: JSON) -> None:
    """Let a subscription go on, if its latest invoice was paid."""
    latest = books.get(subscription["latest_invoice"], "invoice")
    if latest["status"] == "paid" and subscription["status"] in OWING:
        before = books.seen(subscription)
        subscription["status"] = "active"
        world.updated(books, "customer.subscription.updated", subscription, before)


def end(
    world: World, books: Books, subscription: JSON, reason: str = "cancellation_requested"
) -> None:
    """End a subscription now."""
    if subscription["status"] == "incomplete":
        subscription["status"] = "incomplete_expired"
    else:
        subscription["status"] = "canceled"
    subscription["canceled_at"] = subscription["canceled_at"] or world.now
    subscription["ended_at"] = world.now
    subscription["cancellation_details"]["reason"] = reason
    for invoice in books.all("invoice"):
        if subscription_of(invoice) == subscription["id"] and invoice["status"] == "open":
            invoice |= {"auto_advance": False, "next_payment_attempt": None}
    schedule = books.find(subscription["schedule"], "subscription_schedule")
    if schedule is not None:
        schedule |= {"status": "canceled", "canceled_at": world.now, "current_phase": None}
        world.happened(books, "subscription_schedule.canceled", schedule)
    world.happened(books, "customer.subscription.deleted", subscription)

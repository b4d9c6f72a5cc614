"""Another price for a subscription that runs: what is set off, and what is due at once."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.cards import Card
from dream_gateway_stripe.testing.faults import StripeFault, declined, missing
from dream_gateway_stripe.testing.invoices import attempt, bill, line
from dream_gateway_stripe.testing.subscription import (
    cost,
    is_licensed,
    items,
    licensed_lines,
    metered_lines,
    new_item,
    period_end,
    period_of,
    put_price,
)

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.world import World


def change_items(
    world: World,
    books: Books,
    subscription: JSON,
    wanted: list[JSON],
    *,
    proration: str = "create_prorations",
    anchor: str = "unchanged",
    behavior: str = "allow_incomplete",
) -> None:
    """Put a subscription on other prices.

    Another interval is a new period, which is paid at once. Within the same period, what is left of
    the old price is set off against what is left of the new: on the next invoice, on one of its own
    (`always_invoice`), or not at all (`none`).
    """
    if subscription["status"] in ("canceled", "incomplete_expired"):
        raise StripeFault("A canceled subscription can only update its cancellation details.")
    old = [books.seen(each) for each in items(subscription)]
    interval = _interval(old)
    if behavior == "error_if_incomplete" and world.cards.get(subscription["customer"]) in (
        None,
        Card.DECLINES,
    ):
        raise declined()
    used = metered_lines(world, books, subscription)
    _apply(world, books, subscription, wanted)
    if _interval(items(subscription)) is None:
        raise StripeFault("All prices of a subscription must have the same interval.")
    if subscription["status"] == "trialing":
        return
    credit = [] if proration == "none" else _credit(world, books, old)
    if anchor == "now" or _interval(items(subscription)) != interval:
        _restart(world, books, subscription, [*used, *credit], behavior)
    elif proration != "none":
        lines = [*credit, *_debit(world, books, subscription)]
        if proration == "always_invoice":
            _collect(world, books, subscription, lines, behavior)
        elif lines:
            world.pending_lines.setdefault(subscription["id"], []).extend(lines)


def _apply(world: World, books: Books, subscription: JSON, wanted: list[JSON]) -> None:
    """Change, add and remove items as asked; an item that is not named stays."""
    kept = items(subscription)
    for each in wanted:
        item = next((one for one in kept if one["id"] == each.get("id")), None)
        if "id" in each and item is None:
            raise missing("subscription item", each["id"], "items[id]")
        if each.get("deleted"):
            kept.remove(item or {})
        elif item is not None:
            price_id = each.get("price", item["price"]["id"])
            price = books.get(price_id, "price", "items[price]")
            _check(subscription, price)
            put_price(item, books.seen(price), each.get("quantity", item.get("quantity")))
        else:
            _add(world, books, subscription, each)
    if not kept:
        raise StripeFault("A subscription must have at least one active item.", param="items")


def _add(world: World, books: Books, subscription: JSON, wanted: JSON) -> None:
    if "price" not in wanted:
        raise StripeFault("Missing required param: items[price].", param="items")
    price = books.get(wanted["price"], "price", "items[price]")
    _check(subscription, price)
    if any(each["price"]["id"] == price["id"] for each in items(subscription)):
        raise StripeFault(
            f"Cannot add multiple subscription items with the same plan: {price['id']}"
        )
    made = new_item(world, books, subscription, price["id"], wanted.get("quantity"))
    if subscription["status"] == "trialing" and items(subscription):
        first = items(subscription)[0]
        for name in ("current_period_start", "current_period_end"):
            made[name] = first[name]
    items(subscription).append(made)


def _check(subscription: JSON, price: JSON) -> None:
    if price["type"] != "recurring":
        raise StripeFault("The price is not recurring.", param="items[price]")
    if price["currency"] != subscription["currency"]:
        raise StripeFault("The price has another currency.", param="items[price]")
    if not price["active"]:
        raise StripeFault("The price specified is inactive.", param="items[price]")


def _interval(found: list[JSON]) -> tuple[str, int] | None:
    """Return the one interval of items, `None` if there are several."""
    kinds = {
        (each["price"]["recurring"]["interval"], each["price"]["recurring"]["interval_count"])
        for each in found
    }
    return kinds.pop() if len(kinds) == 1 else None


def _left(world: World, item: JSON) -> Fraction:
    """Return how much of an item's period is left."""
    start, end = item["current_period_start"], item["current_period_end"]
    return Fraction(max(0, end - world.now), max(1, end - start))


def _credit(world: World, books: Books, old: list[JSON]) -> list[JSON]:
    return [
        line(
            world,
            books,
            each,
            amount=-round(cost(each) * _left(world, each)),
            period=(world.now, each["current_period_end"]),
            text=f"Unused time on {each['price']['id']}",
        )
        for each in old
        if is_licensed(each) and cost(each)
    ]


def _debit(world: World, books: Books, subscription: JSON) -> list[JSON]:
    return [
        line(
            world,
            books,
            each,
            amount=round(cost(each) * _left(world, each)),
            period=(world.now, period_end(subscription)),
            text=f"Remaining time on {each['price']['id']}",
        )
        for each in items(subscription)
        if is_licensed(each) and cost(each)
    ]


def _restart(
    world: World, books: Books, subscription: JSON, before: list[JSON], behavior: str
) -> None:
    """Begin a new period now."""
    subscription["billing_cycle_anchor"] = world.now
    for each in items(subscription):
        start, end = period_of(world, world.now, each["price"])
        each |= {"current_period_start": start, "current_period_end": end}
    lines = [*before, *licensed_lines(world, books, subscription)]
    _collect(world, books, subscription, lines, behavior)


def _collect(
    world: World, books: Books, subscription: JSON, lines: list[JSON], behavior: str
) -> None:
    invoice = bill(world, books, subscription, lines, "subscription_update")
    paid = behavior != "default_incomplete" and attempt(world, books, invoice)
    if not paid and subscription["status"] == "active":
        subscription["status"] = "past_due"

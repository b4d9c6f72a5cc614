"""The phases of a subscription schedule: which prices, from when until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.calendar import after
from dream_gateway_stripe.testing.faults import StripeFault
from dream_gateway_stripe.testing.subscription import items

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.call import Call
    from dream_gateway_stripe.testing.world import World


def phase(
    subscription: JSON,
    wanted: list[JSON],
    *,
    start: int,
    end_at: int,
    proration: str = "create_prorations",
    trial_end: int | None = None,
    anchor: str | None = None,
) -> JSON:
    """Return a phase."""
    return {
        "add_invoice_items": [],
        "application_fee_percent": None,
        "billing_cycle_anchor": anchor,
        "billing_thresholds": None,
        "collection_method": None,
        "currency": subscription["currency"],
        "default_payment_method": None,
        "description": None,
        "discounts": [],
        "end_date": end_at,
        "invoice_settings": None,
        "items": [_phase_item(each) for each in wanted],
        "metadata": {},
        "on_behalf_of": None,
        "proration_behavior": proration,
        "start_date": start,
        "transfer_data": None,
        "trial_end": trial_end,
    }


def plan_phase(world: World, books: Books, schedule: JSON, prices: list[tuple[str, str]]) -> None:
    """Plan other prices for items, from the end of the phase that runs, for one period."""
    subscription = books.get(schedule["subscription"], "subscription")
    before = books.seen(schedule)
    planned = dict(prices)
    wanted = [
        {"price": planned.get(each["id"], each["price"]["id"])}
        | {k: each[k] for k in ("quantity",) if k in each}
        for each in items(subscription)
    ]
    start = schedule["phases"][-1]["end_date"]
    spell = books.get(wanted[0]["price"], "price")["recurring"]
    end_at = after(start, spell["interval"], spell["interval_count"])
    schedule["phases"].append(
        phase(subscription, wanted, start=start, end_at=end_at, proration="none")
    )
    world.updated(books, "subscription_schedule.updated", schedule, before)


def read_phases(call: Call, subscription: JSON, wanted: list[JSON], whole: JSON) -> list[JSON]:
    """Return the phases that a request names: one begins where the one before it ends."""
    found: list[JSON] = []
    for each in wanted:
        start = each.get("start_date", found[-1]["end_date"] if found else None)
        if start is None:
            raise StripeFault("The first phase needs a start_date.", param="phases[0][start_date]")
        start = call.now if start == "now" else start
        if found and start != found[-1]["end_date"]:
            raise StripeFault("Phases must follow each other without a gap.", param="phases")
        prices = [
            call.books.get(one["price"], "price", "phases[items][price]") for one in each["items"]
        ]
        lines = [
            one | ({"quantity": one.get("quantity", 1)} if _is_licensed(price) else {})
            for one, price in zip(each["items"], prices, strict=True)
        ]
        end_at = _phase_end(call, each, start, prices[0])
        proration = each.get("proration_behavior", whole.get("proration_behavior"))
        trial_end = each.get("trial_end")
        if trial_end not in (None, subscription["trial_end"]):
            raise StripeFault("The fake begins no trials by schedules.", param="phases[trial_end]")
        found.append(
            phase(
                subscription,
                lines,
                start=start,
                end_at=end_at,
                proration=proration or "create_prorations",
                trial_end=trial_end,
                anchor=each.get("billing_cycle_anchor"),
            )
            | {"billing_cycle_anchor": each.get("billing_cycle_anchor")}
        )
    return found


def _is_licensed(price: JSON) -> bool:
    return bool(price["recurring"]["usage_type"] == "licensed")


def _phase_end(call: Call, wanted: JSON, start: int, price: JSON) -> int:
    """Return when a phase ends: as it says, or a period of its price later."""
    if "end_date" in wanted:
        return call.now if wanted["end_date"] == "now" else int(wanted["end_date"])
    spell: JSON = wanted["duration"] if "duration" in wanted else price["recurring"]
    return after(start, spell["interval"], spell.get("interval_count", 1))


def _phase_item(item: JSON) -> JSON:
    price = item["price"]
    id_ = price if isinstance(price, str) else price["id"]
    made: JSON = {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": {},
        "plan": id_,
        "price": id_,
        "tax_rates": [],
    }
    return made | ({"quantity": item["quantity"]} if "quantity" in item else {})

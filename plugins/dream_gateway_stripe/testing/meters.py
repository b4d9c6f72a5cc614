"""Usage: meters, events that count once for each identifier, and their sums."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.books import copied
from dream_gateway_stripe.testing.calendar import DAY, HOUR
from dream_gateway_stripe.testing.faults import StripeFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.call import Call, Routes
    from dream_gateway_stripe.testing.world import World

MINUTE = 60
WINDOWS = {"hour": HOUR, "day": DAY}
OLDEST_DAYS = 35
LATEST_SECONDS = 300
ROUNDINGS = {"up": ROUND_UP, "down": ROUND_DOWN}


def create_meter(call: Call) -> JSON:
    """Make a meter. There is one for each name of event."""
    wanted = call.params
    name = wanted["event_name"]
    if any(m["event_name"] == name and m["status"] == "active" for m in _meters(call.books)):
        raise StripeFault(f"An active meter with event name {name} exists.", param="event_name")
    mapping = wanted.get("customer_mapping", {"event_payload_key": "stripe_customer_id"})
    values = wanted.get("value_settings", {"event_payload_key": "value"})
    meter = call.object(
        "mtr",
        "billing.meter",
        customer_mapping={
            "type": mapping.get("type", "by_id"),
            "event_payload_key": mapping["event_payload_key"],
        },
        default_aggregation={"formula": wanted["default_aggregation"]["formula"]},
        display_name=wanted["display_name"],
        event_name=name,
        event_time_window=wanted.get("event_time_window"),
        status="active",
        status_transitions={"deactivated_at": None},
        updated=call.now,
        value_settings={"event_payload_key": values["event_payload_key"]},
    )
    call.books.add(meter)
    call.world.happened(call.books, "billing.meter.created", meter)
    return meter


def retrieve_meter(call: Call) -> JSON:
    """Show a meter."""
    return call.books.get(call.parts[0], "billing.meter")


def deactivate_meter(call: Call) -> JSON:
    """Count no longer."""
    meter = call.books.get(call.parts[0], "billing.meter")
    meter |= {"status": "inactive", "updated": call.now}
    meter["status_transitions"]["deactivated_at"] = call.now
    call.world.happened(call.books, "billing.meter.deactivated", meter)
    return meter


def reactivate_meter(call: Call) -> JSON:
    """Count again."""
    meter = call.books.get(call.parts[0], "billing.meter")
    meter |= {"status": "active", "updated": call.now}
    meter["status_transitions"]["deactivated_at"] = None
    call.world.happened(call.books, "billing.meter.reactivated", meter)
    return meter


def list_meters(call: Call) -> JSON:
    """List meters."""
    status = call.params.get("status")
    found = [each for each in _meters(call.books) if status in (None, each["status"])]
    return call.books.page(found, call.params, "/v1/billing/meters")


def create_event(call: Call) -> JSON:
    """Count usage. An identifier that was there before is refused, and counts nothing."""
    wanted, world = call.params, call.world
    meter = _named(call.books, wanted["event_name"])
    at = wanted.get("timestamp", call.now)
    if not call.now - OLDEST_DAYS * DAY <= at <= call.now + LATEST_SECONDS:
        raise StripeFault("The timestamp is too old or in the future.", param="timestamp")
    payload = copied(wanted["payload"])
    customer = payload.get(meter["customer_mapping"]["event_payload_key"], "")
    call.books.get(customer, "customer", "payload[stripe_customer_id]")
    value = payload.get(meter["value_settings"]["event_payload_key"], "")
    if not value.isdigit():
        raise StripeFault("The value has to be a whole number.", param="payload[value]")
    identifier = wanted.get("identifier") or world.id("mev")
    key = (f"{call.books.account}/{call.books.live}", identifier)
    if key in world.usage:
        raise StripeFault(
            f"An event already exists with identifier {identifier}.",
            code="duplicate_meter_event",
            param="identifier",
        )
    event = {
        "object": "billing.meter_event",
        "created": call.now,
        "event_name": meter["event_name"],
        "identifier": identifier,
        "livemode": call.books.live,
        "payload": payload,
        "timestamp": at,
    }
    world.usage[key] = {**event, "customer": customer, "value": int(value), "meter": meter["id"]}
    return event


def list_summaries(call: Call) -> JSON:
    """Sum up what a customer used, by hours or days, or all in one."""
    wanted = call.params
    meter = call.books.get(call.parts[0], "billing.meter")
    start, end, customer = wanted["start_time"], wanted["end_time"], wanted["customer"]
    if start % MINUTE or end % MINUTE or end <= start:
        raise StripeFault("start_time and end_time must align with minute boundaries.")
    size = WINDOWS.get(wanted.get("value_grouping_window", ""), end - start)
    found = []
    for at in range(start, end, size):
        until = min(at + size, end)
        units = used(call.world, call.books, meter["id"], customer, (at, until))
        if units:
            found.append(
                {
                    "id": call.world.id("mtrusg"),
                    "object": "billing.meter_event_summary",
                    "aggregated_value": float(units),
                    "start_time": at,
                    "end_time": until,
                    "livemode": call.books.live,
                    "meter": meter["id"],
                }
            )
    url = f"/v1/billing/meters/{meter['id']}/event_summaries"
    return call.books.page(found, wanted, url)


def used(world: World, books: Books, meter_id: str, customer: str, period: tuple[int, int]) -> int:
    """Return the units that a customer used from an instant until before another."""
    mode = f"{books.account}/{books.live}"
    return sum(
        each["value"]
        for (owner, _), each in world.usage.items()
        if owner == mode
        and (each["meter"], each["customer"]) == (meter_id, customer)
        and period[0] <= each["timestamp"] < period[1]
    )


def owed(
    world: World, books: Books, price: JSON, customer: str, period: tuple[int, int]
) -> tuple[int, int]:
    """Return a metered price's units in a period, and what they cost in minor units."""
    units = used(world, books, price["recurring"]["meter"], customer, period)
    packed = Decimal(units)
    if price["transform_quantity"]:
        size = Decimal(price["transform_quantity"]["divide_by"])
        packed = (packed / size).to_integral_value(ROUNDINGS[price["transform_quantity"]["round"]])
    exact = packed * Decimal(price["unit_amount_decimal"] or 0)
    return units, int(exact.to_integral_value(ROUND_HALF_UP))


def _meters(books: Books) -> Iterator[JSON]:
    return books.all("billing.meter")


def _named(books: Books, name: str) -> JSON:
    for meter in _meters(books):
        if meter["event_name"] == name and meter["status"] == "active":
            return meter
    raise StripeFault(
        f"No active meter found with event name {name}.", code="no_meter", param="event_name"
    )


ROUTES: Routes = {
    ("post", "/v1/billing/meters"): create_meter,
    ("get", "/v1/billing/meters"): list_meters,
    ("get", "/v1/billing/meters/{id}"): retrieve_meter,
    ("post", "/v1/billing/meters/{id}/deactivate"): deactivate_meter,
    ("post", "/v1/billing/meters/{id}/reactivate"): reactivate_meter,
    ("get", "/v1/billing/meters/{id}/event_summaries"): list_summaries,
    ("post", "/v1/billing/meter_events"): create_event,
}

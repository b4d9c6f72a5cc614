"""What happened, for thirty days: also what no endpoint has taken."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.books import copied, in_range
from dream_gateway_stripe.testing.calendar import DAY

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON
    from dream_gateway_stripe.testing.call import Call, Routes

KEPT_DAYS = 30


def list_events(call: Call) -> JSON:
    """List events, of some types, or those that were taken, or not."""
    wanted = call.params
    types = wanted.get("types", [wanted.get("type", "*")])
    delivered, created = wanted.get("delivery_success"), copied(wanted.get("created"))
    found = [
        each
        for each in call.books.all("event")
        if each["created"] > call.now - KEPT_DAYS * DAY
        and any(fnmatchcase(each["type"], pattern) for pattern in types)
        and in_range(each["created"], created)
        and delivered in (None, call.world.post.succeeded(each["id"]))
    ]
    return call.books.page(found, wanted, "/v1/events")


def retrieve_event(call: Call) -> JSON:
    """Show an event."""
    return call.books.get(call.parts[0], "event")


ROUTES: Routes = {
    ("get", "/v1/events"): list_events,
    ("get", "/v1/events/{id}"): retrieve_event,
}

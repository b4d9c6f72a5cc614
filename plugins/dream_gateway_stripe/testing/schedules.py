"""Subscription schedules: other prices from an instant on, such as a period's end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.books import merge_metadata
from dream_gateway_stripe.testing.faults import StripeFault
from dream_gateway_stripe.testing.phases import phase, read_phases
from dream_gateway_stripe.testing.plan_changes import change_items
from dream_gateway_stripe.testing.subscription import OVER, end, end_trial, items, period_end

if TYPE_CHECKING:
    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.call import Call, Routes
    from dream_gateway_stripe.testing.world import World

OPEN = ("active", "not_started")


def create_schedule(call: Call) -> JSON:
    """Make a schedule of a subscription that runs: its first phase is the current period."""
    wanted = call.params
    if "from_subscription" not in wanted:
        raise StripeFault("The fake makes schedules from subscriptions only.")
    others = set(wanted) - {"from_subscription", "metadata", "expand"}
    if others:
        raise StripeFault(
            f"You cannot set {min(others)} if `from_subscription` is set.",
            param=min(others),
        )
    subscription = call.books.get(wanted["from_subscription"], "subscription", "from_subscription")
    if subscription["status"] in OVER:
        raise StripeFault("A canceled subscription cannot be scheduled.")
    if subscription["schedule"] is not None:
        raise StripeFault(
            "You cannot migrate a subscription that is already attached to a schedule: "
            f"{subscription['schedule']}",
            param="from_subscription",
        )
    return attach(call, subscription, wanted.get("metadata", {}))


def attach(call: Call, subscription: JSON, metadata: JSON) -> JSON:
    """Attach a schedule to a subscription, that leaves everything as it is."""
    start = items(subscription)[0]["current_period_start"]
    first = phase(
        subscription,
        items(subscription),
        start=start,
        end_at=period_end(subscription),
        trial_end=subscription["trial_end"] if subscription["status"] == "trialing" else None,
    )
    schedule = call.object(
        "sub_sched",
        "subscription_schedule",
        application=None,
        billing_mode={"type": "flexible", "updated_at": None},
        canceled_at=None,
        completed_at=None,
        current_phase={k: first[k] for k in ("start_date", "end_date")},
        customer=subscription["customer"],
        default_settings={
            "application_fee_percent": None,
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": None,
            "collection_method": "charge_automatically",
            "default_payment_method": None,
            "description": None,
            "invoice_settings": {"issuer": {"type": "self"}},
            "on_behalf_of": None,
            "transfer_data": None,
        },
        end_behavior="release",
        metadata=metadata,
        pause_schedules=[],
        phases=[first],
        released_at=None,
        released_subscription=None,
        status="active",
        subscription=subscription["id"],
        test_clock=None,
    )
    call.books.add(schedule)
    before = call.books.seen(subscription)
    subscription["schedule"] = schedule["id"]
    # What was decided about its end is the schedule's to decide from here on.
    if subscription["cancel_at"] is not None:
        schedule["end_behavior"] = "cancel"
        subscription |= {"cancel_at": None, "cancel_at_period_end": False}
    call.world.happened(call.books, "subscription_schedule.created", schedule)
    call.world.updated(call.books, "customer.subscription.updated", subscription, before)
    return schedule


def update_schedule(call: Call) -> JSON:
    """Set the phases anew. The one that runs has to be among them, as it began."""
    schedule = call.books.get(call.parts[0], "subscription_schedule")
    _require_open(schedule)
    subscription = call.books.get(schedule["subscription"], "subscription")
    before = call.books.seen(schedule)
    wanted = call.params
    if "phases" in wanted:
        phases = read_phases(call, subscription, wanted["phases"], wanted)
        running = next((p for p in phases if p["start_date"] <= call.now < p["end_date"]), None)
        if running is None or running["start_date"] != schedule["current_phase"]["start_date"]:
            raise StripeFault(
                "You can not modify the start date of the current phase.", param="phases"
            )
        schedule["phases"] = phases
        schedule["current_phase"] = {k: running[k] for k in ("start_date", "end_date")}
        if subscription["status"] == "trialing" and running["trial_end"] is None:
            # A phase that does not name its trial has none: forgetting it ends it at once.
            was = call.books.seen(subscription)
            end_trial(call.world, call.books, subscription)
            kind = "customer.subscription.updated"
            call.world.updated(call.books, kind, subscription, was)
    if "end_behavior" in wanted:
        schedule["end_behavior"] = wanted["end_behavior"]
    merge_metadata(schedule, wanted.get("metadata"))
    call.world.updated(call.books, "subscription_schedule.updated", schedule, before)
    return schedule


def next_phase(schedule: JSON) -> int | None:
    """Return when the phase that runs is over."""
    return schedule["current_phase"]["end_date"] if schedule["status"] == "active" else None


def turn(world: World, books: Books, schedule: JSON) -> None:
    """Go on to the next phase, or do what comes after the last."""
    subscription = books.get(schedule["subscription"], "subscription")
    following = [p for p in schedule["phases"] if p["start_date"] >= world.now]
    if not following:
        _finish(world, books, schedule, subscription)
        return
    before = books.seen(schedule)
    schedule["current_phase"] = {k: following[0][k] for k in ("start_date", "end_date")}
    put_items(world, books, subscription, following[0])
    world.updated(books, "subscription_schedule.updated", schedule, before)


def put_items(world: World, books: Books, subscription: JSON, entered: JSON) -> None:
    """Put a subscription on a phase's prices. At a period's end there is nothing to set off."""
    was = books.seen(subscription)
    wanted = [{k: one[k] for k in ("price", "quantity") if k in one} for one in entered["items"]]
    for old, new in zip(items(subscription), wanted, strict=False):
        new["id"] = old["id"]
    gone = items(subscription)[len(wanted) :]
    removed = [{"id": each["id"], "deleted": True} for each in gone]
    at_end = period_end(subscription) <= world.now
    if entered["billing_cycle_anchor"] == "phase_start":
        subscription["billing_cycle_anchor"] = entered["start_date"]
    proration = "none" if at_end else entered["proration_behavior"]
    anchor = "now" if entered["billing_cycle_anchor"] == "phase_start" else "unchanged"
    whole = [*wanted, *removed]
    change_items(world, books, subscription, whole, proration=proration, anchor=anchor)
    world.updated(books, "customer.subscription.updated", subscription, was)


def _finish(world: World, books: Books, schedule: JSON, subscription: JSON) -> None:
    if schedule["end_behavior"] == "cancel":
        schedule |= {"status": "completed", "completed_at": world.now, "current_phase": None}
        world.happened(books, "subscription_schedule.completed", schedule)
        end(world, books, subscription)
    else:
        release(world, books, schedule, subscription)


def release(world: World, books: Books, schedule: JSON, subscription: JSON) -> None:
    """Let a subscription go on as it is now, without what was scheduled."""
    before = books.seen(subscription)
    schedule |= {
        "status": "released",
        "released_at": world.now,
        "released_subscription": subscription["id"],
        "subscription": None,
        "current_phase": None,
    }
    subscription["schedule"] = None
    world.happened(books, "subscription_schedule.released", schedule)
    world.updated(books, "customer.subscription.updated", subscription, before)


def release_schedule(call: Call) -> JSON:
    """Release a schedule by the API."""
    schedule = call.books.get(call.parts[0], "subscription_schedule")
    _require_open(schedule)
    subscription = call.books.get(schedule["subscription"], "subscription")
    release(call.world, call.books, schedule, subscription)
    return schedule


def cancel_schedule(call: Call) -> JSON:
    """End a schedule, and its subscription with it."""
    schedule = call.books.get(call.parts[0], "subscription_schedule")
    _require_open(schedule)
    end(call.world, call.books, call.books.get(schedule["subscription"], "subscription"))
    return schedule


def retrieve_schedule(call: Call) -> JSON:
    """Show a schedule."""
    return call.books.get(call.parts[0], "subscription_schedule")


def list_schedules(call: Call) -> JSON:
    """List schedules."""
    customer = call.params.get("customer")
    found = [
        each
        for each in call.books.all("subscription_schedule")
        if customer in (None, each["customer"])
    ]
    return call.books.page(found, call.params, "/v1/subscription_schedules")


def _require_open(schedule: JSON) -> None:
    if schedule["status"] not in OPEN:
        raise StripeFault(
            f"You cannot change a subscription schedule that is currently in the "
            f"`{schedule['status']}` status."
        )


ROUTES: Routes = {
    ("post", "/v1/subscription_schedules"): create_schedule,
    ("get", "/v1/subscription_schedules"): list_schedules,
    ("get", "/v1/subscription_schedules/{schedule}"): retrieve_schedule,
    ("post", "/v1/subscription_schedules/{schedule}"): update_schedule,
    ("post", "/v1/subscription_schedules/{schedule}/release"): release_schedule,
    ("post", "/v1/subscription_schedules/{schedule}/cancel"): cancel_schedule,
}

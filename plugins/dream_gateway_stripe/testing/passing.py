"""Time that passes: trials end, periods are renewed, payments tried again, checkouts expire.

What became due since it was last looked at happens in the order of time, each at its own instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dream_gateway_stripe.testing.calendar import DAY, HOUR
from dream_gateway_stripe.testing.completion import expire
from dream_gateway_stripe.testing.invoices import attempt, bill
from dream_gateway_stripe.testing.schedules import next_phase, turn
from dream_gateway_stripe.testing.subscription import (
    OVER,
    end,
    metered_lines,
    period_end,
    renew,
    retry,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dream_gateway_stripe.testing.books import JSON, Books
    from dream_gateway_stripe.testing.world import World

INCOMPLETE_SECONDS = 23 * HOUR
WARNING_DAYS = 3


@dataclass(frozen=True, slots=True)
class Due:
    """Something that happens at an instant. Of what is due at once, the lowest `rank` is first."""

    at: int
    rank: int
    act: Callable[[], None]


def pass_time(world: World) -> None:
    """Let everything happen that is due."""
    now = world.now
    if world.passed_until == now:
        return
    while due := [each for each in _upcoming(world) if each.at <= now]:
        first = min(due, key=lambda each: (each.at, each.rank))
        world.at = first.at
        try:
            first.act()
        finally:
            world.at = None
    world.passed_until = now


def _upcoming(world: World) -> Iterator[Due]:
    for books in world.all_books:
        for session in books.all("checkout.session"):
            if session["status"] == "open":
                yield Due(session["expires_at"], 0, partial(expire, world, books, session))
        for subscription in books.all("subscription"):
            if subscription["status"] not in OVER:
                yield from _of_subscription(world, books, subscription)
        for invoice in books.all("invoice"):
            if invoice["status"] == "open" and invoice["next_payment_attempt"] is not None:
                yield Due(invoice["next_payment_attempt"], 3, partial(retry, world, books, invoice))


def _of_subscription(world: World, books: Books, subscription: JSON) -> Iterator[Due]:
    status = subscription["status"]
    if status == "incomplete":
        late = subscription["created"] + INCOMPLETE_SECONDS
        yield Due(late, 0, partial(end, world, books, subscription))
        return
    if subscription["cancel_at"] is not None:
        yield Due(subscription["cancel_at"], 0, partial(_end, world, books, subscription))
    schedule = books.find(subscription["schedule"], "subscription_schedule")
    if schedule is not None and (at := next_phase(schedule)) is not None:
        yield Due(at, 1, partial(turn, world, books, schedule))
    if status == "trialing" and subscription["id"] not in world.warned:
        warning = subscription["trial_end"] - WARNING_DAYS * DAY
        yield Due(warning, 0, partial(_warn, world, books, subscription))
    if status == "trialing":
        yield Due(subscription["trial_end"], 2, partial(_end_trial, world, books, subscription))
    elif status != "paused":
        yield Due(period_end(subscription), 2, partial(renew, world, books, subscription))


def _warn(world: World, books: Books, subscription: JSON) -> None:
    world.warned.add(subscription["id"])
    world.happened(books, "customer.subscription.trial_will_end", subscription)


def _end_trial(world: World, books: Books, subscription: JSON) -> None:
    """Go on with a paid period; without a card, do what was agreed for that."""
    settings = subscription["trial_settings"] or {}
    agreed = settings.get("end_behavior", {}).get("missing_payment_method", "create_invoice")
    if subscription["customer"] in world.cards or agreed == "create_invoice":
        renew(world, books, subscription)
    elif agreed == "cancel":
        end(world, books, subscription)
    else:
        before = books.seen(subscription)
        subscription["status"] = "paused"
        world.updated(books, "customer.subscription.paused", subscription, before)


def _end(world: World, books: Books, subscription: JSON) -> None:
    """End a subscription as it was decided; what was used is still to be paid."""
    lines = metered_lines(world, books, subscription)
    if any(each["amount"] for each in lines):
        attempt(world, books, bill(world, books, subscription, lines, "subscription_cycle"))
    end(world, books, subscription)

"""What the crowd pays for: subscriptions, orders, and what a payment provider told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from dream_gateway import keys
from dream_gateway.model import Mode
from dream_gateway.payments import About, Endpoint, SubscriptionStatus
from dream_gateway.records.billing_schema import inbox, order_lines, orders
from dream_gateway.records.inbox import InboxStatus
from dream_gateway.records.orders import OrderStatus
from dream_gateway.records.schema import products

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.model import Period, Project, Tier
    from dream_gateway.records.database import Writer

ACCOUNT = "acct_crowd"
DAY = 86_400.0
HOUR = 3_600.0

STATUSES = (
    *[SubscriptionStatus.ACTIVE] * 21,
    SubscriptionStatus.TRIALING,
    SubscriptionStatus.PAST_DUE,
    SubscriptionStatus.CANCELED,
)
"""How the subscriptions of two dozen stand, one after another."""

CANCELLING_EACH = 13
"""Of so many that are active, one is to end with its period."""

GOODS = (
    ("field-guide", "Field guide", 2_900, None),
    ("data-export", "Data export", 4_900, None),
    ("sensor-kit", "Sensor kit", 12_900, 38),
    ("wall-map", "Wall map", 3_500, 0),
)
"""Products: name, display name, price, and units in stock."""

EVENTS = (
    "invoice.paid",
    "customer.subscription.updated",
    "invoice.paid",
    "customer.subscription.created",
    "invoice.payment_failed",
    "customer.subscription.deleted",
)
PARKED_EACH = 60
"""Of so many events, one could not be dealt with."""

ORDER_STATUSES = (
    *[OrderStatus.PAID] * 8,
    OrderStatus.EXPIRED,
    OrderStatus.REFUNDED,
)


def subscription(customer: dict[str, Any], tier: Tier, span: Period, number: int) -> dict[str, Any]:
    """Return the row of a customer's subscription to a tier, for the period it is in."""
    status = STATUSES[number // 14 % len(STATUSES)]
    end = float(span.end or 0)
    ends = status is SubscriptionStatus.ACTIVE and number % CANCELLING_EACH == 0
    gone = status is SubscriptionStatus.CANCELED
    return {
        "id": keys.id_from("sub", customer["id"]),
        "project_id": customer["project_id"],
        "customer_id": customer["id"],
        "subscription_id": f"sub_crowd{number:05}",
        "stripe_customer_id": f"cus_crowd{number:05}",
        "account_id": ACCOUNT,
        "plan": tier.name,
        "price_id": f"price_crowd_{tier.name}",
        "status": status.value,
        "period_start": float(span.start),
        "period_end": end,
        "created_at": customer["created_at"],
        "amount": tier.price,
        "currency": tier.currency,
        "interval": tier.billing_interval.value,
        "cancel_at": end if ends else None,
        "canceled_at": float(span.start) + HOUR if ends or gone else None,
        "ended_at": float(span.start) + DAY if gone else None,
        "trial_end": end if status is SubscriptionStatus.TRIALING else None,
        "past_due_since": float(span.start) if status is SubscriptionStatus.PAST_DUE else None,
        "version": 1,
    }


async def add(
    writer: Writer,
    project: Project,
    people: tuple[Sequence[dict[str, Any]], Sequence[dict[str, Any]]],
    numbers: tuple[int, int],
) -> None:
    """Add events about some of the subscriptions, and orders of some of the customers.

    `people` are the rows of customers and of subscriptions, `numbers` how many events and orders.
    """
    customers, subscribed = people
    events, sold = numbers
    run, live = writer.connection.execute, project.mode is Mode.LIVE
    if subscribed and events:
        rows = [
            _event(project, subscribed[n % len(subscribed)], n, writer.now - (events - n) * HOUR)
            for n in range(events)
        ]
        await run(insert(inbox), [{**row, "live": live} for row in rows])
    goods = [_product(project, number, writer.now) for number in range(len(GOODS))]
    await run(insert(products), goods)
    if customers and sold:
        bought = [
            _order(customers[n * 37 % len(customers)], n, writer.now - (sold - n) * 7 * HOUR)
            for n in range(sold)
        ]
        await run(insert(orders), [{**row, "live": live} for row in bought])
        lines = [_line(goods[n % len(goods)], row) for n, row in enumerate(bought)]
        await run(insert(order_lines), lines)


def _event(project: Project, about: dict[str, Any], number: int, at: float) -> dict[str, Any]:
    parked = number % PARKED_EACH == PARKED_EACH - 1
    return {
        "endpoint": Endpoint.CONNECT.value,
        "account_id": ACCOUNT,
        "event_id": f"evt_{project.id}_{number:05}",
        "type": EVENTS[number % len(EVENTS)],
        "about": About.SUBSCRIPTION.value,
        "ref": about["subscription_id"],
        "gone": False,
        "created_at": at,
        "received_at": at + 0.4,
        "status": (InboxStatus.PARKED if parked else InboxStatus.DONE).value,
        "attempts": 8 if parked else 1,
        "due_at": at,
        "fault": "The payment provider did not answer in time." if parked else None,
        "done_at": None if parked else at + 0.9,
        "platform_id": project.platform_id,
        "project_id": project.id,
    }


def _product(project: Project, number: int, now: float) -> dict[str, Any]:
    name, display_name, price, inventory = GOODS[number]
    return {
        "id": keys.id_from("prd", project.id, name),
        "project_id": project.id,
        "name": name,
        "display_name": display_name,
        "description": "",
        "price": price,
        "currency": "usd",
        "inventory": inventory,
        "sold_out": False,
        "features": [],
        "created_at": now - 60 * DAY,
    }


def _order(customer: dict[str, Any], number: int, at: float) -> dict[str, Any]:
    status = ORDER_STATUSES[number % len(ORDER_STATUSES)]
    amount = GOODS[number % len(GOODS)][2]
    return {
        "id": keys.id_from("ord", customer["project_id"], str(number)),
        "project_id": customer["project_id"],
        "customer_id": customer["id"],
        "email": customer["email"],
        "status": status.value,
        "amount": amount,
        "refunded": amount if status is OrderStatus.REFUNDED else 0,
        "currency": "usd",
        "account_id": ACCOUNT,
        "session_id": f"cs_{customer['project_id']}_{number:05}",
        "created_at": at,
        "expires_at": at + DAY,
        "due_at": at,
        "settled_at": at + 90.0,
    }


def _line(product: dict[str, Any], order: dict[str, Any]) -> dict[str, Any]:
    return {
        "order_id": order["id"],
        "product_id": product["id"],
        "quantity": 1,
        "name": product["display_name"],
        "unit_amount": product["price"],
        "reserved": False,
    }

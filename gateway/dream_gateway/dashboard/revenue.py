"""What a project's subscriptions are worth right now, read as one row for each price and status."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from dream_gateway.billing import money
from dream_gateway.billing.money import Subscribed, Totals
from dream_gateway.model import Interval
from dream_gateway.payments import SubscriptionStatus
from dream_gateway.records.schema import subscriptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection


async def totals(connection: AsyncConnection, project_id: str) -> Mapping[str, Totals]:
    """Return the totals of each currency: one query, whatever the number of subscriptions."""
    row = subscriptions.c
    priced = (row.amount, row.currency, row.interval, row.interval_count, row.quantity, row.status)
    ends = row.cancel_at.is_not(None)
    query = (
        select(*priced, ends.label("ends"), func.count().label("number"))
        .where(row.project_id == project_id)
        .group_by(*priced, ends)
    )
    rows = (await connection.execute(query)).mappings()
    return money.totals(
        chain.from_iterable(
            repeat(
                Subscribed(
                    amount=each["amount"],
                    currency=each["currency"],
                    interval=Interval(each["interval"]),
                    status=SubscriptionStatus(each["status"]),
                    created_at=0.0,
                    interval_count=each["interval_count"],
                    quantity=each["quantity"],
                    cancel_at=0.0 if each["ends"] else None,
                ),
                each["number"],
            )
            for each in rows
        )
    )

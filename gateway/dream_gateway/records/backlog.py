"""What waits to be done beside the requests: messages to webhooks, and news of the payment provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from dream_gateway import metrics
from dream_gateway.records.billing_schema import dispatches, inbox
from dream_gateway.records.inbox import InboxStatus
from dream_gateway.records.messages import DispatchStatus

if TYPE_CHECKING:
    from enum import StrEnum

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.metrics import Metric, Readings


async def measure(connection: AsyncConnection, now: float) -> Readings:
    """Return how much waits, what was given up, and how late it is at `now`."""
    return {
        **await _waiting(
            connection,
            now,
            dispatches,
            (DispatchStatus.PENDING, DispatchStatus.FAILED),
            (metrics.MESSAGES, metrics.MESSAGE_LAG),
        ),
        **await _waiting(
            connection,
            now,
            inbox,
            (InboxStatus.PENDING, InboxStatus.PARKED),
            (metrics.NEWS, metrics.NEWS_LAG),
        ),
    }


async def _waiting(
    connection: AsyncConnection,
    now: float,
    table: Table,
    statuses: tuple[StrEnum, StrEnum],
    told_as: tuple[Metric, Metric],
) -> Readings:
    """Count the rows of two statuses, of which the first waits: by the index of what is due."""
    query = (
        select(table.c.status, func.count(), func.min(table.c.due_at))
        .where(table.c.status.in_(statuses))
        .group_by(table.c.status)
    )
    found = {status: (count, due) for status, count, due in await connection.execute(query)}
    numbers, lag = told_as
    _, due = found.get(statuses[0], (0, None))
    return {
        numbers.name: {(status.value,): found.get(status, (0, None))[0] for status in statuses},
        lag.name: {(): 0.0 if due is None else max(0.0, now - due)},
    }

"""Queries about which shares of their quotas customers' usage was told to have passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from dream_gateway.records.billing_schema import thresholds
from dream_gateway.records.messages import insert_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer


async def claim(writer: Writer, counter: str, percent: int, period_end: float | None) -> bool:
    """Tell whether this was never told before, and remember that it was. Safe to race."""
    row = {
        "counter": counter,
        "percent": percent,
        "period_end": period_end,
        "told_at": writer.now,
    }
    return await insert_once(writer.connection, thresholds, row)


async def told(connection: AsyncConnection, counters: Sequence[str]) -> dict[str, int]:
    """Return the highest share, in percent, that was told of each counter, if any was."""
    highest = func.max(thresholds.c.percent)
    query = select(thresholds.c.counter, highest).where(thresholds.c.counter.in_(counters))
    found = await connection.execute(query.group_by(thresholds.c.counter))
    return {counter: percent for counter, percent in found}  # noqa: C416 # rows to pairs


async def any_older(connection: AsyncConnection, before: float) -> bool:
    """Return whether there are any of periods that ended before an instant."""
    query = select(thresholds.c.counter).where(thresholds.c.period_end < before).limit(1)
    return (await connection.execute(query)).first() is not None


async def prune(writer: Writer, before: float) -> int:
    """Forget those of periods that ended before an instant; return how many there were."""
    done = await writer.connection.execute(
        delete(thresholds).where(thresholds.c.period_end < before)
    )
    return done.rowcount

"""Queries about work that goes through all of something again and again, by one worker at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from dream_gateway.records.billing_schema import rounds

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer


async def is_due(connection: AsyncConnection, name: str, now: float) -> bool:
    """Return whether nobody is at a round, and the last one is over for long enough."""
    query = select(rounds.c.due_at).where(rounds.c.name == name)
    due_at = (await connection.execute(query)).scalar()
    return due_at is None or due_at <= now


async def take(writer: Writer, name: str, lease_seconds: float) -> int | None:
    """Take a round for a while; return where it is, `None` if somebody else has it."""
    run, here = writer.connection.execute, rounds.c.name == name
    position = (await run(select(rounds.c.position).where(here))).scalar()
    until = writer.now + lease_seconds
    if position is None:
        await run(insert(rounds).values(name=name, position=0, due_at=until))
        return 0
    free = here & (rounds.c.due_at <= writer.now)
    taken = await run(update(rounds).where(free).values(due_at=until))
    return position if taken.rowcount == 1 else None


async def leave(writer: Writer, name: str, position: int, due_at: float) -> None:
    """Have a round gone on with from a position, at an instant; at 0 it begins anew."""
    query = update(rounds).where(rounds.c.name == name)
    await writer.connection.execute(query.values(position=position, due_at=due_at))

"""What has to be done every so often by any one of all workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from dream_gateway.records.billing_schema import chores
from dream_gateway.records.messages import insert_once

if TYPE_CHECKING:
    from dream_gateway.records.database import Writer


async def begin(writer: Writer, name: str, every: float) -> bool:
    """Tell whether a chore is due, and the caller's to do: nobody else is told so for `every` seconds.

    One who dies over it leaves it undone until it is due again.
    """
    due_at = writer.now + every
    if await insert_once(writer.connection, chores, {"name": name, "due_at": due_at}):
        return True
    due = (chores.c.name == name) & (chores.c.due_at <= writer.now)
    done = await writer.connection.execute(update(chores).where(due).values(due_at=due_at))
    return done.rowcount == 1

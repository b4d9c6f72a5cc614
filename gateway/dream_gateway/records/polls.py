"""Queries about when accounts were asked for events that did not reach us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from dream_gateway.payments import Account
from dream_gateway.records.billing_schema import polls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer


async def late(
    connection: AsyncConnection, accounts: Sequence[Account], before: float
) -> list[Account]:
    """Return those of the accounts that nobody asked since then."""
    rows = await connection.execute(select(polls).where(polls.c.polled_at > before))
    asked = {Account(row.account_id or None, bool(row.live)) for row in rows}
    return [each for each in accounts if each not in asked]


async def take(writer: Writer, account: Account, before: float) -> bool:
    """Note that an account is asked now; return whether nobody did since then."""
    if not await late(writer.connection, [account], before):
        return False
    run, name = writer.connection.execute, account.id or ""
    await run(delete(polls).where(polls.c.account_id == name, polls.c.live == account.live))
    row = {"account_id": name, "live": account.live, "polled_at": writer.now}
    await run(insert(polls).values(row))
    return True

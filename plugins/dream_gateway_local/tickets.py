"""Tickets: secrets that work once, for one purpose, and not for long. Only digests are stored."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select

from dream_gateway_local import secret
from dream_gateway_local.tables import tickets

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.facilities import Writing


class Purpose(StrEnum):
    """What a ticket is for."""

    VERIFY = "verify"
    RESET = "reset"
    CODE = "code"


LIFETIMES = {Purpose.VERIFY: 86_400.0, Purpose.RESET: 3_600.0, Purpose.CODE: 60.0}
"""Seconds."""


INVITATION_SECONDS = 7 * 86_400.0
"""How long somebody who was invited may take to choose a password."""


class Ticket(NamedTuple):
    """A ticket that holds, or held until now; `target` is where a code was sent to."""

    account_id: str
    target: str | None


async def issue(
    writer: Writing,
    purpose: Purpose,
    account_id: str,
    target: str | None = None,
    *,
    lasts: float | None = None,
) -> str:
    """Make a ticket, for `lasts` seconds or the usual time; return its secret.

    What has expired is swept out.
    """
    ticket = secret.mint()
    run = writer.connection.execute
    await run(delete(tickets).where(tickets.c.expires_at <= writer.now))
    await run(
        insert(tickets).values(
            digest=secret.digest(ticket),
            purpose=purpose.value,
            account_id=account_id,
            target=target,
            expires_at=writer.now + (lasts or LIFETIMES[purpose]),
        )
    )
    return ticket


async def look(
    connection: AsyncConnection, purpose: Purpose, ticket: str, now: float
) -> Ticket | None:
    """Return a ticket that holds, and leave it."""
    query = select(tickets.c.account_id, tickets.c.target).where(_holds(purpose, ticket, now))
    row = (await connection.execute(query)).first()
    return None if row is None else Ticket(*row)


async def redeem(writer: Writing, purpose: Purpose, ticket: str) -> Ticket | None:
    """Use a ticket up; of any number who try at once, one gets it."""
    query = delete(tickets).where(_holds(purpose, ticket, writer.now))
    found = await writer.connection.execute(query.returning(tickets.c.account_id, tickets.c.target))
    row = found.first()
    return None if row is None else Ticket(*row)


async def void(writer: Writing, account_id: str) -> None:
    """Take every ticket of an account back."""
    await writer.connection.execute(delete(tickets).where(tickets.c.account_id == account_id))


def _holds(purpose: Purpose, ticket: str, now: float) -> ColumnElement[bool]:
    return (
        (tickets.c.digest == secret.digest(ticket))
        & (tickets.c.purpose == purpose.value)
        & (tickets.c.expires_at > now)
    )

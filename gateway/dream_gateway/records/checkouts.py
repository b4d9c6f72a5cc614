"""Queries about checkouts of subscriptions."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select, update

from dream_gateway import keys
from dream_gateway.payments import Account
from dream_gateway.records.billing_schema import checkouts

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer


class Openness(StrEnum):
    """Whether somebody may still pay there."""

    OPEN = "open"
    CLOSED = "closed"


class Checkout(NamedTuple):
    """A checkout; `session_id` is what the provider calls it, once it is known."""

    id: str
    account: Account
    customer_id: str
    fingerprint: bytes
    session_id: str | None
    created_at: float


async def still_open(connection: AsyncConnection, customer_id: str) -> list[Checkout]:
    """Return a customer's checkouts that may still be paid."""
    here = checkouts.c.customer_id == customer_id, checkouts.c.status == Openness.OPEN
    rows = (await connection.execute(select(checkouts).where(*here))).mappings()
    return [_checkout(row) for row in rows]


async def add(
    writer: Writer, account: Account, customer_id: str, fingerprint: bytes, ask_at: float
) -> Checkout:
    """Note a checkout that is about to be opened."""
    made = Checkout(keys.mint_id("chk"), account, customer_id, fingerprint, None, writer.now)
    await writer.connection.execute(
        insert(checkouts).values(
            id=made.id,
            account_id=account.id or "",
            live=account.live,
            customer_id=customer_id,
            fingerprint=fingerprint,
            session_id=None,
            status=Openness.OPEN,
            created_at=writer.now,
            ask_at=ask_at,
        )
    )
    return made


async def opened(writer: Writer, checkout_id: str, session_id: str) -> bool:
    """Note what the provider calls a checkout; return whether it is still wanted."""
    here = checkouts.c.id == checkout_id
    await writer.connection.execute(update(checkouts).where(here).values(session_id=session_id))
    query = select(checkouts.c.status).where(here)
    return (await writer.connection.execute(query)).scalar() == Openness.OPEN


async def close(writer: Writer, checkout_id: str) -> None:
    """Note that nobody can pay there any more."""
    await _set(writer, checkouts.c.id == checkout_id, status=Openness.CLOSED)


async def close_session(writer: Writer, account: Account, session_id: str) -> None:
    """Note that nobody can pay any more where the provider calls it so."""
    here = (checkouts.c.account_id == (account.id or "")) & (checkouts.c.session_id == session_id)
    await _set(writer, here, status=Openness.CLOSED)


async def due(connection: AsyncConnection, now: float, limit: int) -> list[Checkout]:
    """Return open checkouts of which it is to be asked what became of them."""
    query = select(checkouts).where(checkouts.c.status == Openness.OPEN, checkouts.c.ask_at <= now)
    rows = (await connection.execute(query.order_by(checkouts.c.ask_at).limit(limit))).mappings()
    return [_checkout(row) for row in rows]


async def ask_again(writer: Writer, checkout_id: str, at: float) -> None:
    """Have it asked what became of a checkout at an instant."""
    await _set(writer, checkouts.c.id == checkout_id, ask_at=at)


async def prune(writer: Writer, before: float) -> None:
    """Forget checkouts that were closed, of before then."""
    closed = checkouts.c.status == Openness.CLOSED
    await writer.connection.execute(
        delete(checkouts).where(closed, checkouts.c.created_at < before)
    )


async def _set(writer: Writer, here: ColumnElement[bool], **values: object) -> None:
    await writer.connection.execute(update(checkouts).where(here).values(**values))


def _checkout(row: RowMapping) -> Checkout:
    return Checkout(
        id=row["id"],
        account=Account(row["account_id"] or None, bool(row["live"])),
        customer_id=row["customer_id"],
        fingerprint=row["fingerprint"],
        session_id=row["session_id"],
        created_at=row["created_at"],
    )

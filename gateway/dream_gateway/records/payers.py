"""Queries about whom a payment provider knows our customers as."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select

from dream_gateway.records.billing_schema import payers

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Customer
    from dream_gateway.payments import Account
    from dream_gateway.records.database import Writer


class Payee(NamedTuple):
    """Whose customer a payer is."""

    project_id: str
    customer_id: str


async def find(connection: AsyncConnection, account: Account, customer_id: str) -> str | None:
    """Return what the provider calls a customer."""
    query = select(payers.c.payer_id).where(
        payers.c.customer_id == customer_id, payers.c.account_id == (account.id or "")
    )
    return (await connection.execute(query)).scalar()


async def of_payer(connection: AsyncConnection, account: Account, payer_id: str) -> Payee | None:
    """Return the customer that a payer is; a deleted one too."""
    query = select(payers.c.project_id, payers.c.customer_id).where(
        payers.c.account_id == (account.id or ""), payers.c.payer_id == payer_id
    )
    row = (await connection.execute(query)).first()
    return None if row is None else Payee(*row)


async def add(writer: Writer, account: Account, payer_id: str, customer: Customer) -> str:
    """Note what the provider calls a customer; return it, or what was noted before."""
    known = await find(writer.connection, account, customer.id)
    if known is not None:
        return known
    await writer.connection.execute(
        insert(payers).values(
            account_id=account.id or "",
            payer_id=payer_id,
            project_id=customer.project_id,
            customer_id=customer.id,
            created_at=writer.now,
        )
    )
    return payer_id


async def forget(writer: Writer, account: Account, payer_id: str) -> None:
    """Forget a payer, so that their customer may be known by another name."""
    here = (payers.c.account_id == (account.id or "")) & (payers.c.payer_id == payer_id)
    await writer.connection.execute(delete(payers).where(here))

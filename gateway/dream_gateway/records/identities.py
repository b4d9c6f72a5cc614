"""Queries about which customer an identity provider's user is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from dream_gateway import keys
from dream_gateway.model import Customer
from dream_gateway.records import customers
from dream_gateway.records.schema import identity_links

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.hookspecs import Identified
    from dream_gateway.records.database import Writer


async def linked(
    connection: AsyncConnection, project_id: str, issuer: str, subject: str
) -> str | None:
    """Return the id of the customer a user is, a deleted one's too."""
    query = select(identity_links.c.customer_id).where(
        identity_links.c.project_id == project_id,
        identity_links.c.issuer == issuer,
        identity_links.c.subject == subject,
    )
    return (await connection.execute(query)).scalar()


async def everywhere(
    connection: AsyncConnection, issuer: str, subject: str
) -> list[tuple[str, str]]:
    """Return the project and the customer's id for each project that a user signed in to."""
    query = select(identity_links.c.project_id, identity_links.c.customer_id).where(
        identity_links.c.issuer == issuer, identity_links.c.subject == subject
    )
    return [(row.project_id, row.customer_id) for row in await connection.execute(query)]


async def link(writer: Writer, customer: Customer, issuer: str, subject: str) -> None:
    """Let a user be this customer. Nobody may be linked there already: see `Records.write`."""
    await writer.connection.execute(
        insert(identity_links).values(
            project_id=customer.project_id,
            issuer=issuer,
            subject=subject,
            customer_id=customer.id,
            created_at=writer.now,
        )
    )


async def sign_up(writer: Writer, project_id: str, who: Identified, plan: str) -> Customer:
    """Create the customer of a user who signs in for the first time, and link the two.

    Their external id is the provider's subject, unless the developer gave that to somebody else: who
    has it is not thereby the same person.
    """
    customer_id = keys.mint_id("cus")
    taken = await customers.named(writer.connection, project_id, who.subject)
    customer = Customer(
        id=customer_id,
        project_id=project_id,
        external_id=who.subject if taken is None else customer_id,
        plan=plan,
        anchor=writer.now,
        created_at=writer.now,
        email=who.email,
        first_name=who.first_name,
        last_name=who.last_name,
    )
    await customers.add(writer, customer)
    await link(writer, customer, who.issuer, who.subject)
    return customer

"""Queries about which customer an identity provider's user is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from dream_gateway import keys
from dream_gateway.model import Customer
from dream_gateway.records import customers
from dream_gateway.records.schema import deliveries, identity_links

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.hookspecs import Identified, UserChange
    from dream_gateway.records.database import Writer

REMEMBERED_SECONDS = 14 * 86_400.0
"""How long it is known that a message came: longer than any provider repeats it."""


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


async def heard(writer: Writer, endpoint: str, message: str) -> bool:
    """Tell whether a message came before, and remember that it came."""
    run, here = writer.connection.execute, deliveries.c.endpoint == endpoint
    await run(delete(deliveries).where(deliveries.c.at < writer.now - REMEMBERED_SECONDS))
    known = select(deliveries.c.id).where(here, deliveries.c.id == message)
    if (await run(known)).scalar() is not None:
        return True
    await run(insert(deliveries).values(endpoint=endpoint, id=message, at=writer.now))
    return False


async def told(writer: Writer, change: UserChange) -> list[Customer]:
    """Return the customers that a user is, in every project, and remember when this was so.

    Without those who were told anything newer, or who are deleted.
    """
    links = identity_links.c
    here = (links.issuer == change.issuer) & (links.subject == change.subject)
    if not change.deleted:
        here &= links.told_at < change.at
    run = writer.connection.execute
    found = list(await run(select(links.project_id, links.customer_id).where(here)))
    await run(update(identity_links).where(here).values(told_at=change.at))
    known = [await customers.by_id(writer.connection, *each) for each in found]
    return [customer for customer in known if customer is not None]


async def link(writer: Writer, customer: Customer, issuer: str, subject: str) -> None:
    """Let a user be this customer. Nobody may be linked there already: see `Records.write`."""
    await writer.connection.execute(
        insert(identity_links).values(
            id=keys.mint_id("lnk"),
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

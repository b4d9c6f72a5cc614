"""Queries about customers. Deleted ones are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, union_all, update

from dream_gateway.records import messages
from dream_gateway.records.audit import difference
from dream_gateway.records.rows import customer_of, plain
from dream_gateway.records.schema import end_users
from dream_gateway.storage import Subject

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, CompoundSelect
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Customer
    from dream_gateway.records.database import Writer


PUBLIC = ("external_id", "plan", "anchor", "suspended")
"""The fields whose values the audit log shows: of who they are it only says that it changed."""


async def by_id(connection: AsyncConnection, project_id: str, customer_id: str) -> Customer | None:
    """Return a customer by id."""
    return await _one(connection, project_id, end_users.c.id == customer_id)


async def by_ids(
    connection: AsyncConnection, project_id: str, customer_ids: Collection[str]
) -> dict[str, Customer]:
    """Return some customers by id; who is not there is left out."""
    query = select(end_users).where(
        end_users.c.project_id == project_id, end_users.c.id.in_(sorted(customer_ids)), _there()
    )
    rows = (await connection.execute(query)).mappings()
    return {row["id"]: customer_of(row) for row in rows}


async def named(connection: AsyncConnection, project_id: str, external_id: str) -> Customer | None:
    """Return a customer by the developer's own name for them."""
    return await _one(connection, project_id, end_users.c.external_id == external_id)


async def referred(connection: AsyncConnection, project_id: str, ref: str) -> Customer | None:
    """Return a customer by external id, or else by id."""
    found = (await connection.execute(either(project_id, ref))).mappings()
    return min(
        [customer_of(row) for row in found], key=lambda c: c.external_id != ref, default=None
    )


def either(project_id: str, ref: str) -> CompoundSelect[Any]:
    """Return the query for the customers that an external id or an id may mean.

    Two queries in one: for an `OR` some databases use the index of neither.
    """
    own = select(end_users).where(end_users.c.project_id == project_id, _there())
    return union_all(own.where(end_users.c.external_id == ref), own.where(end_users.c.id == ref))


async def page(
    connection: AsyncConnection, project_id: str, after: str | None, limit: int | None
) -> list[Customer]:
    """Return at most `limit` customers, oldest first, from the one after the id `after`."""
    query = select(end_users).where(end_users.c.project_id == project_id, _there())
    if after is not None:
        start = select(end_users.c.position).where(end_users.c.id == after).scalar_subquery()
        query = query.where(end_users.c.position > start)
    query = query.order_by(end_users.c.position).limit(limit)
    return [customer_of(row) for row in (await connection.execute(query)).mappings()]


async def add(writer: Writer, customer: Customer) -> None:
    """Create a customer. The external id must not be taken: see `Records.write`."""
    await writer.connection.execute(insert(end_users).values(_row(customer)))
    after = {name: getattr(customer, name) for name in PUBLIC}
    await _changed(writer, customer, "customer.create", {"after": after})
    await messages.customer_created(writer, customer)


async def change(writer: Writer, customer: Customer) -> None:
    """Store a customer's new values."""
    row, run = _row(customer), writer.connection.execute
    here = (end_users.c.id == customer.id) & _there()
    before = (await run(select(end_users).where(here))).mappings().first()
    for name in ("plan", "anchor"):
        if before is not None and before[name] != row[name]:
            row[f"{name}_since"] = writer.now
    await run(update(end_users).where(here).values(row))
    action = "customer.update"
    if before is not None and bool(before["suspended"]) is not customer.suspended:
        action = "customer.suspend" if customer.suspended else "customer.resume"
    await _changed(writer, customer, action, difference(before, row, PUBLIC))


async def delete(writer: Writer, customer: Customer) -> None:
    """Hide a customer; the row stays."""
    query = update(end_users).where(end_users.c.id == customer.id)
    await writer.connection.execute(query.values(deleted_at=writer.now))
    await _changed(writer, customer, "customer.delete", {})


async def any_on(connection: AsyncConnection, project_id: str, plan: str) -> bool:
    """Return whether somebody is on a tier."""
    query = select(end_users.c.id).where(
        end_users.c.project_id == project_id, end_users.c.plan == plan, _there()
    )
    return (await connection.execute(query.limit(1))).first() is not None


async def _changed(
    writer: Writer, customer: Customer, action: str, details: dict[str, object]
) -> None:
    project = customer.project_id
    await writer.changed(Subject.CUSTOMER, customer.id, action, details, project=project)


async def _one(
    connection: AsyncConnection, project_id: str, condition: ColumnElement[bool]
) -> Customer | None:
    query = select(end_users).where(end_users.c.project_id == project_id, condition, _there())
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else customer_of(row)


def _there() -> ColumnElement[bool]:
    return end_users.c.deleted_at.is_(None)


def _row(customer: Customer) -> dict[str, object]:
    return {
        "id": customer.id,
        "project_id": customer.project_id,
        "external_id": customer.external_id,
        "plan": customer.plan,
        "anchor": customer.anchor,
        "created_at": customer.created_at,
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "metadata": customer.metadata,
        "subscription": plain(customer.subscription),
        "suspended": customer.suspended,
    }

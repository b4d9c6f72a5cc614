"""Queries about tiers. A tier is named within its project."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from dream_gateway.errors import ConflictError
from dream_gateway.records import customers, pushes
from dream_gateway.records.audit import difference
from dream_gateway.records.rows import plain, tier_of
from dream_gateway.records.schema import tiers
from dream_gateway.storage import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Project, Tier
    from dream_gateway.records.database import Writer
    from dream_gateway.records.prices import ProviderIds


async def of_project(connection: AsyncConnection, project_id: str) -> list[Tier]:
    """Return a project's tiers, in the order they were first given."""
    query = select(tiers).where(tiers.c.project_id == project_id).order_by(tiers.c.position)
    return [tier_of(row) for row in (await connection.execute(query)).mappings()]


async def named(connection: AsyncConnection, project_id: str, name: str) -> Tier | None:
    """Return one tier."""
    row = (await connection.execute(select(tiers).where(_here(project_id, name)))).mappings()
    return next((tier_of(each) for each in row), None)


async def put(writer: Writer, project_id: str, tier: Tier) -> None:
    """Add a tier, or put it in the place of the one of that name."""
    here = _here(project_id, tier.name)
    run = writer.connection.execute
    old = (await run(select(tiers).where(here))).mappings().first()
    await run(delete(tiers).where(here))
    row = {"project_id": project_id, "name": tier.name, "definition": plain(tier)}
    if old is not None:
        row |= {"position": old["position"], "overage_since": old["overage_since"]}
    if old is None or _takes_more(tier_of(old), tier):
        row["overage_since"] = writer.now
    await run(insert(tiers).values(row))
    before = None if old is None else plain(tier_of(old))
    details = difference(before, row["definition"], row["definition"])
    await _changed(writer, project_id, tier.name, "tier.set", details)
    await pushes.touch(writer, project_id)


async def remove(writer: Writer, project: Project, name: str) -> None:
    """Remove a tier.

    Raises `ConflictError` for the default tier, and for one that somebody is on: they would be
    refused from then on.
    """
    if project.default_tier == name:
        raise ConflictError("It is the project's default tier: choose another one first.")
    if await customers.any_on(writer.connection, project.id, name):
        raise ConflictError("Customers are on this tier: put them on another one first.")
    await writer.connection.execute(delete(tiers).where(_here(project.id, name)))
    await _changed(writer, project.id, name, "tier.delete", {})
    await pushes.touch(writer, project.id)


async def identify(writer: Writer, project_id: str, ids: Mapping[str, ProviderIds]) -> None:
    """Note what a payment provider calls the tiers, by name; those without an id are not on sale."""
    for tier in await of_project(writer.connection, project_id):
        price_id, product_id = ids.get(tier.name, (None, None))
        named = replace(tier, price_id=price_id, product_id=product_id)
        if named == tier:
            continue
        query = update(tiers).where(_here(project_id, tier.name)).values(definition=plain(named))
        await writer.connection.execute(query)
        await _changed(writer, project_id, tier.name, "tier.identify", {"price": price_id})


def _takes_more(before: Tier, after: Tier) -> bool:
    """Return whether units come to be paid that were not, had they been used before."""
    if after.overage is None or after.quota is None:
        return False
    if before.overage is None or before.quota is None or before.quota.limit is None:
        return True
    return before.quota.limit > (after.quota.limit or 0)


def _here(project_id: str, name: str) -> ColumnElement[bool]:
    return (tiers.c.project_id == project_id) & (tiers.c.name == name)


async def _changed(
    writer: Writer, project_id: str, name: str, action: str, details: dict[str, object]
) -> None:
    await writer.changed(Subject.TIER, project_id, action, {"tier": name, **details})

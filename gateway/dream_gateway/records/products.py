"""Queries about products. Deleted ones are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from dream_gateway.records import pushes
from dream_gateway.records.audit import difference
from dream_gateway.records.rows import product_of
from dream_gateway.records.schema import products

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Product
    from dream_gateway.records.database import Writer
    from dream_gateway.records.prices import ProviderIds


async def of_project(connection: AsyncConnection, project_id: str) -> list[Product]:
    """Return a project's products, oldest first."""
    query = select(products).where(products.c.project_id == project_id, _there())
    rows = (await connection.execute(query.order_by(products.c.position))).mappings()
    return [product_of(row) for row in rows]


async def by_id(connection: AsyncConnection, project_id: str, product_id: str) -> Product | None:
    """Return one product."""
    query = select(products).where(
        products.c.project_id == project_id, products.c.id == product_id, _there()
    )
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else product_of(row)


async def add(writer: Writer, product: Product) -> None:
    """Create a product. Its name must not be taken: see `Records.write`."""
    row = _row(product)
    await writer.connection.execute(insert(products).values(row))
    project = product.project_id
    await writer.audit("product.create", product.id, {"after": row}, project=project)
    await pushes.touch(writer, project)


async def change(writer: Writer, product: Product) -> None:
    """Store a product's new values."""
    row, run = _row(product), writer.connection.execute
    here = (products.c.id == product.id) & _there()
    before = (await run(select(products).where(here))).mappings().first()
    await run(update(products).where(here).values(row))
    details = difference(before, row, row)
    await writer.audit("product.update", product.id, details, project=product.project_id)
    await pushes.touch(writer, product.project_id)


async def delete(writer: Writer, product: Product) -> None:
    """Hide a product; the row stays."""
    query = update(products).where(products.c.id == product.id)
    await writer.connection.execute(query.values(deleted_at=writer.now))
    await writer.audit("product.delete", product.id, project=product.project_id)
    await pushes.touch(writer, product.project_id)


async def identify(writer: Writer, project_id: str, ids: Mapping[str, ProviderIds]) -> None:
    """Note what a payment provider calls the products, by id; those without are not on sale."""
    for product in await of_project(writer.connection, project_id):
        price_id, product_id = ids.get(product.id, (None, None))
        if (product.price_id, product.product_id) != (price_id, product_id):
            query = update(products).where(products.c.id == product.id)
            values = {"price_id": price_id, "product_id": product_id}
            await writer.connection.execute(query.values(values))


def _there() -> ColumnElement[bool]:
    return products.c.deleted_at.is_(None)


def _row(product: Product) -> dict[str, object]:
    return {
        "id": product.id,
        "project_id": product.project_id,
        "name": product.name,
        "display_name": product.display_name,
        "description": product.description,
        "price": product.price,
        "currency": product.currency,
        "image_url": product.image_url,
        "inventory": product.inventory,
        "sold_out": product.sold_out,
        "features": list(product.features),
        "price_id": product.price_id,
        "product_id": product.product_id,
        "created_at": product.created_at,
    }

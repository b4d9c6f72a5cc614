"""Queries about what each price ever sold."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, select, update

from dream_gateway.model import Interval
from dream_gateway.records.billing_schema import prices

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.payments import Account
    from dream_gateway.records.database import Writer


class PriceKind(StrEnum):
    """What a price is for: a tier, use of one beyond what is included, or a product."""

    TIER = "tier"
    OVERAGE = "overage"
    PRODUCT = "product"


class ProviderIds(NamedTuple):
    """What a payment provider calls the price and the product of something on sale."""

    price_id: str | None
    product_id: str | None


class Price(NamedTuple):
    """A price. `ref` is the tier's name or the product's id; `current` is what new buyers get."""

    price_id: str
    project_id: str
    kind: PriceKind
    ref: str
    amount: int
    currency: str
    interval: Interval | None
    meter: str | None
    current: bool
    provider_product_id: str


async def known(
    connection: AsyncConnection, account: Account, price_ids: Collection[str]
) -> dict[str, Price]:
    """Return those of an account's prices that are ours, by id."""
    query = select(prices).where(
        prices.c.account_id == (account.id or ""), prices.c.price_id.in_(list(price_ids))
    )
    rows = (await connection.execute(query)).mappings()
    return {row["price_id"]: _price(row) for row in rows}


async def current(
    connection: AsyncConnection, account: Account, project_id: str, kind: PriceKind, ref: str
) -> Price | None:
    """Return what something costs new buyers; `None` if it is not on sale there."""
    query = select(prices).where(
        prices.c.account_id == (account.id or ""),
        prices.c.project_id == project_id,
        prices.c.kind == kind,
        prices.c.ref == ref,
        prices.c.current,
    )
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _price(row)


async def on_sale(connection: AsyncConnection, account: Account, project_id: str) -> list[Price]:
    """Return what a project sells to new buyers."""
    query = select(prices).where(
        prices.c.account_id == (account.id or ""),
        prices.c.project_id == project_id,
        prices.c.current,
    )
    rows = (await connection.execute(query.order_by(prices.c.kind, prices.c.ref))).mappings()
    return [_price(row) for row in rows]


async def of_product(
    connection: AsyncConnection, account: Account, provider_product_id: str
) -> list[Price]:
    """Return what is sold to new buyers of a product of the provider's."""
    query = select(prices).where(
        prices.c.account_id == (account.id or ""),
        prices.c.provider_product_id == provider_product_id,
        prices.c.current,
    )
    return [_price(row) for row in (await connection.execute(query)).mappings()]


async def put(writer: Writer, account: Account, price: Price) -> None:
    """Note a price that new buyers get, in the place of what they got before."""
    run, owner = writer.connection.execute, account.id or ""
    await withdraw(writer, account, price)
    here = (prices.c.account_id == owner) & (prices.c.price_id == price.price_id)
    row = price._asdict()
    if not (await run(update(prices).where(here).values(row))).rowcount:
        await run(insert(prices).values(account_id=owner, created_at=writer.now, **row))


async def withdraw(writer: Writer, account: Account, price: Price) -> None:
    """Note that nobody new gets what a price is for; who pays for it goes on."""
    here = (
        (prices.c.account_id == (account.id or ""))
        & (prices.c.project_id == price.project_id)
        & (prices.c.kind == price.kind)
        & (prices.c.ref == price.ref)
    )
    await writer.connection.execute(update(prices).where(here).values(current=False))


def _price(row: RowMapping) -> Price:
    return Price(
        price_id=row["price_id"],
        project_id=row["project_id"],
        kind=PriceKind(row["kind"]),
        ref=row["ref"],
        amount=row["amount"],
        currency=row["currency"],
        interval=None if row["interval"] is None else Interval(row["interval"]),
        meter=row["meter"],
        current=bool(row["current"]),
        provider_product_id=row["provider_product_id"],
    )

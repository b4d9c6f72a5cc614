"""Queries about what each price ever sold."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from dream_gateway.model import Interval
from dream_gateway.records.billing_schema import prices

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.payments import Account


class PriceKind(StrEnum):
    """What a price is for: a tier, use of one beyond what is included, or a product."""

    TIER = "tier"
    OVERAGE = "overage"
    PRODUCT = "product"


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
    )

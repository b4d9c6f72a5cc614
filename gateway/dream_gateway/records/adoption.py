"""Takes over subscriptions that were imported: the system before this one did not say whose account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from dream_gateway.records.accounts import AccountStatus
from dream_gateway.records.billing_schema import payers, prices
from dream_gateway.records.messages import insert_once
from dream_gateway.records.prices import PriceKind
from dream_gateway.records.schema import projects, stripe_tokens, subscriptions

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.engine import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer

AT_ONCE = 100


async def any_left(connection: AsyncConnection) -> bool:
    """Return whether there are any that can be taken over."""
    return (await connection.execute(_imported(1))).first() is not None


async def adopt(writer: Writer) -> None:
    """Take over some: they are of their platform's account, and the provider is to be asked for them.

    Who pays, and which tier the price is for, is as it was imported.
    """
    for row in (await writer.connection.execute(_imported(AT_ONCE))).all():
        await _adopt(writer, row)


async def _adopt(writer: Writer, row: Row[tuple[object, ...]]) -> None:
    whose = {
        "account_id": row.account,
        "project_id": row.project_id,
        "created_at": writer.now,
    }
    payer = {"payer_id": row.stripe_customer_id, "customer_id": row.customer_id}
    await insert_once(writer.connection, payers, {**whose, **payer})
    if row.price_id is not None and row.plan is not None:
        price = {
            "price_id": row.price_id,
            "kind": PriceKind.TIER,
            "ref": row.plan,
            "provider_product_id": "",
            "amount": row.amount,
            "currency": row.currency,
            "interval": row.interval,
            "current": False,
        }
        await insert_once(writer.connection, prices, {**whose, **price})
    here = subscriptions.c.id == row.id
    values = {"account_id": row.account, "ask_at": writer.now}
    await writer.connection.execute(update(subscriptions).where(here).values(values))


def _imported(limit: int) -> Select[tuple[object, ...]]:
    """Return the query for those of no account, whose payer is known and whose platform has one."""
    token, theirs = stripe_tokens.c, subscriptions.c
    return (
        select(subscriptions, token.account_id.label("account"))
        .join(projects, projects.c.id == theirs.project_id)
        .join(
            stripe_tokens,
            (token.platform_id == projects.c.platform_id) & (token.mode == projects.c.mode),
        )
        .where(
            theirs.account_id == "",
            theirs.stripe_customer_id.is_not(None),
            token.status != AccountStatus.DEAUTHORIZED,
        )
        .limit(limit)
    )

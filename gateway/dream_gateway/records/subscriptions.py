"""Queries about subscriptions, as the provider last said they are."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, select, update

from dream_gateway.model import Interval, Mode
from dream_gateway.payments import Account, SubscriptionStatus
from dream_gateway.records.schema import projects, subscriptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A subscription as the provider last said it is, and whose it is here.

    `plan` is the tier it is for, `None` if its price is none of ours; `scheduled_plan` the one that
    comes. `metered` tells whether it has the price of the plan's overage. `past_due_since` is when its
    grace began. `ask_at` is when the provider is to be asked again without any news, `None` for never.
    `version` counts the changes, 0 before it is stored. The other fields are those of
    `payments.SubscriptionState`; one that was imported may lack its period until it is asked for.
    """

    id: str
    project_id: str
    customer_id: str
    account_id: str
    subscription_id: str
    payer_id: str | None
    plan: str | None
    price_id: str | None
    status: SubscriptionStatus
    amount: int
    currency: str
    interval: Interval
    interval_count: int
    quantity: int
    period_start: float | None
    period_end: float | None
    created_at: float
    cancel_at: float | None = None
    canceled_at: float | None = None
    ended_at: float | None = None
    trial_end: float | None = None
    scheduled_plan: str | None = None
    scheduled_at: float | None = None
    past_due_since: float | None = None
    metered: bool = False
    asked_at: float = 0.0
    ask_at: float | None = None
    version: int = 0


class Due(NamedTuple):
    """A subscription that the provider is to be asked for."""

    account: Account
    subscription_id: str


async def find(
    connection: AsyncConnection, account_id: str, subscription_id: str
) -> Mirrored | None:
    """Return a subscription by the provider's id."""
    found = await _all(
        connection,
        select(subscriptions).where(
            subscriptions.c.account_id == account_id,
            subscriptions.c.subscription_id == subscription_id,
        ),
    )
    return found[0] if found else None


async def of_customer(connection: AsyncConnection, customer_id: str) -> list[Mirrored]:
    """Return all of a customer's, those that ended too, newest first."""
    query = select(subscriptions).where(subscriptions.c.customer_id == customer_id)
    newest = subscriptions.c.created_at.desc(), subscriptions.c.position.desc()
    return await _all(connection, query.order_by(*newest))


async def of_customers(
    connection: AsyncConnection, customer_ids: Sequence[str]
) -> dict[str, Mirrored]:
    """Return the newest of each customer's, by customer; one who never had any is left out."""
    query = select(subscriptions).where(subscriptions.c.customer_id.in_(list(customer_ids)))
    oldest = subscriptions.c.created_at, subscriptions.c.position
    return {row.customer_id: row for row in await _all(connection, query.order_by(*oldest))}


async def put(writer: Writer, row: Mirrored) -> Mirrored:
    """Store a subscription over what was there; return it with its next version."""
    known, row = row.version > 0, replace(row, version=row.version + 1)
    run, values = writer.connection.execute, asdict(row)
    values["stripe_customer_id"] = values.pop("payer_id")
    if known:
        await run(update(subscriptions).where(subscriptions.c.id == row.id).values(values))
    else:
        await run(insert(subscriptions).values(values))
    return row


async def due(connection: AsyncConnection, now: float, limit: int) -> list[Due]:
    """Return subscriptions that are to be asked for by now, the one that waits longest first."""
    query = (
        select(subscriptions.c.account_id, subscriptions.c.subscription_id, projects.c.mode)
        .join(projects, projects.c.id == subscriptions.c.project_id)
        .where(subscriptions.c.ask_at <= now)
        .order_by(subscriptions.c.ask_at)
        .limit(limit)
    )
    rows = await connection.execute(query)
    return [
        Due(Account(row.account_id, row.mode == Mode.LIVE), row.subscription_id) for row in rows
    ]


async def take_due(writer: Writer, limit: int, lease_seconds: float) -> list[Due]:
    """Take subscriptions that are to be asked for: nobody else does so for a while."""
    found = await due(writer.connection, writer.now, limit)
    for each in found:
        await ask_again(writer, each, writer.now + lease_seconds)
    return found


async def ask_again(writer: Writer, which: Due, at: float | None) -> None:
    """Have the provider asked for a subscription at an instant."""
    query = update(subscriptions).where(
        subscriptions.c.account_id == which.account.id,
        subscriptions.c.subscription_id == which.subscription_id,
    )
    await writer.connection.execute(query.values(ask_at=at))


async def ask_payer(writer: Writer, account: Account, payer_id: str) -> None:
    """Have the provider asked now for what a payer has that did not end."""
    query = update(subscriptions).where(
        subscriptions.c.account_id == account.id,
        subscriptions.c.stripe_customer_id == payer_id,
        subscriptions.c.ended_at.is_(None),
    )
    await writer.connection.execute(query.values(ask_at=writer.now))


async def ask_all(writer: Writer, account: Account) -> None:
    """Have the provider asked for all of an account's, such as one that is connected again."""
    query = update(subscriptions).where(subscriptions.c.account_id == account.id)
    await writer.connection.execute(query.values(ask_at=writer.now))


async def _all(connection: AsyncConnection, query: Select[tuple[object, ...]]) -> list[Mirrored]:
    return [_mirrored(row) for row in (await connection.execute(query)).mappings()]


def _mirrored(row: RowMapping) -> Mirrored:
    values: dict[str, Any] = dict(row)
    del values["position"]
    values["payer_id"] = values.pop("stripe_customer_id")
    values["status"] = SubscriptionStatus(row["status"])
    values["interval"] = Interval(row["interval"])
    values["metered"] = bool(row["metered"])
    return Mirrored(**values)

"""Queries about orders: what was put into a cart, the stock that is held for it, and what came of it.

Stock is taken by one conditional statement for each line, in the order of the products' ids: it never
falls below zero, and two carts never wait for each other in a circle.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, select, update

from dream_gateway import keys
from dream_gateway.errors import ConflictError
from dream_gateway.payments import Account
from dream_gateway.records.billing_schema import order_lines, orders
from dream_gateway.records.schema import products

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, RowMapping, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.records.database import Writer


class OrderStatus(StrEnum):
    """Where an order stands. `PAYING`: completed, and the money is still on its way."""

    OPEN = "open"
    PAYING = "paying"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    DISPUTED = "disputed"


HOLDING = frozenset({OrderStatus.OPEN, OrderStatus.PAYING})
"""Stock is held for orders of which it is not decided yet whether they are paid."""

LOST = frozenset({OrderStatus.FAILED, OrderStatus.EXPIRED})
"""Nothing is held for these any more."""


class OrderLine(NamedTuple):
    """So many of a product, at the price it had. `reserved`: stock was taken for it."""

    product_id: str
    name: str
    quantity: int
    unit_amount: int
    reserved: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A cart that somebody was sent to pay; `customer_id` is `None` for a guest.

    `amount` is in the currency's minor unit, `refunded` what went back of it. `session_id` is `None`
    until the provider has it. It can be paid until `expires_at`.
    """

    id: str
    project_id: str
    account: Account
    status: OrderStatus
    amount: int
    currency: str
    created_at: float
    expires_at: float
    lines: tuple[OrderLine, ...]
    customer_id: str | None = None
    email: str | None = None
    refunded: int = 0
    session_id: str | None = None
    payment_id: str | None = None
    settled_at: float | None = None
    position: int = 0


class Draft(NamedTuple):
    """An order to place. Its lines are of different products, all in one currency."""

    project_id: str
    account: Account
    currency: str
    lines: tuple[OrderLine, ...]
    customer_id: str | None
    email: str | None
    expires_at: float
    due_at: float


async def place(writer: Writer, draft: Draft) -> Order:
    """Take the stock for an order and note it, or change nothing.

    Raises `ConflictError`, with the product's id, where there is not enough of one.
    """
    lines = sorted(draft.lines)
    held = [line._replace(reserved=await _take(writer, draft.project_id, line)) for line in lines]
    order = Order(
        id=keys.mint_id("ord"),
        project_id=draft.project_id,
        account=draft.account,
        status=OrderStatus.OPEN,
        amount=sum(line.quantity * line.unit_amount for line in lines),
        currency=draft.currency,
        created_at=writer.now,
        expires_at=draft.expires_at,
        lines=tuple(held),
        customer_id=draft.customer_id,
        email=draft.email,
    )
    await writer.connection.execute(insert(orders).values(_row(order, draft.due_at)))
    rows = [{"order_id": order.id, **line._asdict()} for line in held]
    await writer.connection.execute(insert(order_lines), rows)
    details = {"amount": order.amount, "currency": order.currency}
    await writer.audit("order.create", order.id, details, project=order.project_id)
    return order


async def opened(writer: Writer, order: Order, session_id: str) -> None:
    """Note what the provider calls an order's checkout. Raises `ConflictError` if it was given up."""
    here = (orders.c.id == order.id) & (orders.c.status == OrderStatus.OPEN)
    done = await writer.connection.execute(update(orders).where(here).values(session_id=session_id))
    if not done.rowcount:
        raise ConflictError("The order took too long to be placed.")


async def by_id(connection: AsyncConnection, project_id: str, order_id: str) -> Order | None:
    """Return one order of a project's."""
    here = (orders.c.project_id == project_id) & (orders.c.id == order_id)
    return await _one(connection, select(orders).where(here))


async def of_session(
    connection: AsyncConnection, account: Account, session_id: str
) -> Order | None:
    """Return the order of a checkout."""
    here = _of(account) & (orders.c.session_id == session_id)
    return await _one(connection, select(orders).where(here))


async def of_payment(
    connection: AsyncConnection, account: Account, payment_id: str
) -> Order | None:
    """Return the order that was paid by a payment."""
    here = _of(account) & (orders.c.payment_id == payment_id)
    return await _one(connection, select(orders).where(here))


async def page(
    connection: AsyncConnection, project_id: str, before: int | None, limit: int
) -> list[Order]:
    """Return at most `limit` orders, newest first, from the one before the position `before`."""
    query = select(orders).where(orders.c.project_id == project_id)
    if before is not None:
        query = query.where(orders.c.position < before)
    return await _all(connection, query.order_by(orders.c.position.desc()).limit(limit))


async def any_due(connection: AsyncConnection, now: float) -> bool:
    """Return whether there is something to ask for."""
    return (
        await connection.execute(select(orders.c.id).where(_due(now)).limit(1))
    ).first() is not None


async def take_due(writer: Writer, lease_seconds: float, limit: int) -> list[Order]:
    """Return what waits longest to be asked for, which is nobody else's business for the lease."""
    query = select(orders).where(_due(writer.now)).order_by(orders.c.due_at).limit(limit)
    found = await _all(writer.connection, query)
    if found:
        here = orders.c.id.in_([order.id for order in found])
        until = writer.now + lease_seconds
        await writer.connection.execute(update(orders).where(here).values(due_at=until))
    return found


async def put_off(writer: Writer, order: Order, seconds: float) -> None:
    """Have an order asked for again later."""
    query = update(orders).where(orders.c.id == order.id)
    await writer.connection.execute(query.values(due_at=writer.now + seconds))


async def change(writer: Writer, old: Order, new: Order) -> bool:
    """Store what became of an order, with its stock; return whether it still was as `old` says.

    What is lost gives its stock back. What is paid after all takes it again, as far as there is
    any: the lines without are in the audit log.
    """
    here = (
        (orders.c.id == old.id)
        & (orders.c.status == old.status)
        & (orders.c.refunded == old.refunded)
    )
    values = {
        "status": new.status,
        "amount": new.amount,
        "currency": new.currency,
        "refunded": new.refunded,
        "email": new.email,
        "payment_id": new.payment_id,
        "settled_at": new.settled_at,
    }
    done = await writer.connection.execute(update(orders).where(here).values(values))
    if not done.rowcount:
        return False
    details: dict[str, object] = {"refunded": new.refunded}
    if new.status in LOST and old.status not in LOST:
        await _give_back(writer, old)
    elif old.status in LOST and new.status not in LOST:
        details["short"] = await _take_again(writer, old)
    if new.status is not old.status or new.refunded != old.refunded:
        await writer.audit(f"order.{new.status}", old.id, details, project=old.project_id)
    return True


async def _take(writer: Writer, project_id: str, line: OrderLine) -> bool:
    """Take a line's units; return whether they are counted."""
    query = (
        update(products)
        .where(
            products.c.project_id == project_id,
            products.c.id == line.product_id,
            products.c.deleted_at.is_(None),
            ~products.c.sold_out,
            products.c.inventory.is_(None) | (products.c.inventory >= line.quantity),
        )
        .values(inventory=products.c.inventory - line.quantity)
        .returning(products.c.inventory)
    )
    row = (await writer.connection.execute(query)).first()
    if row is None:
        detail = f"There are not {line.quantity} of {line.name!r} left."
        raise ConflictError(detail, extra={"productId": line.product_id})
    return row.inventory is not None


async def _give_back(writer: Writer, order: Order) -> None:
    run = writer.connection.execute
    for line in order.lines:
        if line.reserved:
            query = update(products).where(products.c.id == line.product_id)
            await run(query.values(inventory=products.c.inventory + line.quantity))
    here = order_lines.c.order_id == order.id
    await run(update(order_lines).where(here).values(reserved=False))


async def _take_again(writer: Writer, order: Order) -> list[str]:
    """Take the stock for what was given up; return the products of which there is none left."""
    short = []
    for line in order.lines:
        try:
            reserved = await _take(writer, order.project_id, line)
        except ConflictError:
            short.append(line.product_id)
            continue
        here = (order_lines.c.order_id == order.id) & (order_lines.c.product_id == line.product_id)
        await writer.connection.execute(update(order_lines).where(here).values(reserved=reserved))
    return short


def _due(now: float) -> ColumnElement[bool]:
    return orders.c.status.in_(sorted(HOLDING)) & (orders.c.due_at <= now)


def _of(account: Account) -> ColumnElement[bool]:
    return (orders.c.account_id == (account.id or "")) & (orders.c.live == account.live)


async def _one(connection: AsyncConnection, query: Select[tuple[object, ...]]) -> Order | None:
    found = await _all(connection, query)
    return found[0] if found else None


async def _all(connection: AsyncConnection, query: Select[tuple[object, ...]]) -> list[Order]:
    rows = (await connection.execute(query)).mappings().all()
    lines = await _lines(connection, [row["id"] for row in rows])
    return [_order(row, tuple(lines.get(row["id"], ()))) for row in rows]


async def _lines(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[OrderLine]]:
    query = select(order_lines).where(order_lines.c.order_id.in_(ids))
    found: dict[str, list[OrderLine]] = {}
    for row in (await connection.execute(query.order_by(order_lines.c.product_id))).mappings():
        line = OrderLine(**{name: row[name] for name in OrderLine._fields})
        found.setdefault(row["order_id"], []).append(line)
    return found


def _row(order: Order, due_at: float) -> dict[str, object]:
    names = set(orders.columns.keys()) - {"position", "account_id", "live", "due_at"}
    return {
        **{name: getattr(order, name) for name in names},
        "account_id": order.account.id or "",
        "live": order.account.live,
        "due_at": due_at,
    }


def _order(row: RowMapping, lines: tuple[OrderLine, ...]) -> Order:
    return Order(
        id=row["id"],
        project_id=row["project_id"],
        account=Account(row["account_id"] or None, bool(row["live"])),
        status=OrderStatus(row["status"]),
        amount=row["amount"],
        currency=row["currency"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        lines=lines,
        customer_id=row["customer_id"],
        email=row["email"],
        refunded=row["refunded"],
        session_id=row["session_id"],
        payment_id=row["payment_id"],
        settled_at=row["settled_at"],
        position=row["position"],
    )

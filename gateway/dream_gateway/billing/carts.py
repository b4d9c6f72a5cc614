"""Sends people to the provider's page to pay for products, with the stock held for as long.

The stock is held in one transaction, the provider is asked with none open, and what it calls the
session is noted in the transaction of the answer. Whoever dies between leaves an order that nobody
was told where to pay: its stock is given back when its time is over.
"""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.errors import (
    BillingAccountError,
    ConflictError,
    GatewayError,
    InvalidRequestError,
)
from dream_gateway.payments import CartLine, CartOrder
from dream_gateway.records import accounts, orders, payers, prices, products
from dream_gateway.records.orders import Draft, OrderLine
from dream_gateway.records.prices import PriceKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from dream_gateway.billing.orders import Orders
    from dream_gateway.billing.payers import Payers
    from dream_gateway.model import Actor, Customer, Project
    from dream_gateway.payments import Account, Billing, CheckoutSession
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.records.orders import Order

logger = logging.getLogger(__name__)

ORDER_SECONDS = 31 * 60.0
"""How long an order can be paid. Providers have a page open for half an hour at least."""

ASK_SECONDS = 60.0
"""After how long past its end it is asked what became of an order."""


class _Cart(NamedTuple):
    """What somebody wants, whom it is for (`None`: a guest), and where to come back to."""

    project: Project
    lines: Sequence[CartLine]
    customer: Customer | None
    email: str | None
    success_url: str
    cancel_url: str


@dataclass(slots=True)
class Placed:
    """An order and where to pay it. It is given up unless somebody was told: `told`."""

    order: Order
    session: CheckoutSession
    told: bool = False

    async def tell(self, writer: Writer) -> None:
        """Note the session, in the transaction of the answer that tells where to pay."""
        await orders.opened(writer, self.order, self.session.id)
        self.told = True


class Carts:
    """Places orders."""

    def __init__(
        self, provider: Billing, records: Records, followed: Orders, payers: Payers
    ) -> None:
        self._provider = provider
        self._records = records
        self._orders = followed
        self._payers = payers

    @asynccontextmanager
    async def placed(
        self,
        *,
        project: Project,
        lines: Sequence[CartLine],
        customer: Customer | None,
        email: str | None,
        success_url: str,
        cancel_url: str,
        actor: Actor,
    ) -> AsyncIterator[Placed]:
        """Place an order, and give it up again if the body raises or tells nobody.

        `customer` is `None` for a guest.

        Raises `InvalidRequestError` for a price that the project does not sell at, `ConflictError`
        where there is not enough or the price is not the product's yet, `BillingAccountError` where
        nobody can take the money, and `BillingUnavailableError`.
        """
        cart = _Cart(project, lines, customer, email, success_url, cancel_url)
        async with self._records.write(actor) as writer:
            order, payer = await self._place(writer, cart)
        placed: Placed | None = None
        done = False
        try:
            placed = Placed(order, await self._open(cart, order, payer))
            yield placed
            done = placed.told
        finally:
            if not done:
                await self._give_up(order, None if placed is None else placed.session.id)

    async def _place(self, writer: Writer, cart: _Cart) -> tuple[Order, str | None]:
        project, connection = cart.project, writer.connection
        owner = await accounts.of_platform(connection, project.platform_id, project.mode)
        if owner is None or not owner.sells:
            raise BillingAccountError
        lines, currency = await self._lines(writer, owner.account, cart)
        draft = Draft(
            project_id=project.id,
            account=owner.account,
            currency=currency,
            lines=lines,
            customer_id=None if cart.customer is None else cart.customer.id,
            email=cart.email or (None if cart.customer is None else cart.customer.email),
            expires_at=writer.now + ORDER_SECONDS,
            due_at=writer.now + ORDER_SECONDS + ASK_SECONDS,
        )
        order = await orders.place(writer, draft)
        if cart.customer is None:
            return order, None
        return order, await payers.find(connection, owner.account, cart.customer.id)

    async def _lines(
        self, writer: Writer, account: Account, cart: _Cart
    ) -> tuple[tuple[OrderLine, ...], str]:
        """Return what is wanted at the prices that new buyers get, and the currency of them all."""
        wanted = _counted(cart)
        known = await prices.known(writer.connection, account, wanted)
        lines, currency = [], ""
        for at, line in enumerate(cart.lines):
            price = known.get(line.price_id)
            if price is None or not price.current or price.project_id != cart.project.id:
                raise _unfit(at, "The project does not sell at this price.")
            if price.kind is not PriceKind.PRODUCT:
                raise _unfit(at, "This is not the price of a product.")
            if currency and price.currency != currency:
                raise _unfit(at, "All that is paid at once has to be in one currency.")
            currency = price.currency
            quantity = wanted.pop(line.price_id, 0)
            product = await products.by_id(writer.connection, cart.project.id, price.ref)
            if product is None:
                raise _unfit(at, "The project does not sell at this price.")
            if (price.amount, price.currency) != (product.price, product.currency):
                detail = "The product is not on sale yet as it is: push the catalogue."
                raise ConflictError(detail, extra={"productId": product.id})
            if quantity:
                name = product.display_name or product.name
                lines.append(OrderLine(product.id, name, quantity, price.amount))
        return tuple(lines), currency

    async def _open(self, cart: _Cart, order: Order, payer: str | None) -> CheckoutSession:
        references = {"order": order.id, "project": order.project_id}
        if order.customer_id is not None:
            references["customer"] = order.customer_id
        asked = CartOrder(
            key=order.id,
            lines=tuple(CartLine(price_id, count) for price_id, count in _counted(cart).items()),
            success_url=cart.success_url,
            cancel_url=cart.cancel_url,
            references=references,
            expires_at=order.expires_at,
            customer_id=payer,
            email=order.email,
        )
        try:
            return await self._provider.cart(order.account, asked)
        except ConflictError:
            if payer is None or not await self._payers.lost(order.account, payer):
                raise
        return await self._provider.cart(order.account, replace(asked, customer_id=None))

    async def _give_up(self, order: Order, session_id: str | None) -> None:
        """Close the page that nobody was told of, and give the stock back."""
        try:
            if session_id is not None:
                await self._provider.expire(order.account, session_id)
            await self._orders.give_up(order)
        except GatewayError as exc:
            logger.warning("The order %s is given up later: %s", order.id, exc.code)


def _counted(cart: _Cart) -> dict[str, int]:
    """Return how much is wanted at each price, in the order it was named."""
    wanted: dict[str, int] = {}
    for line in cart.lines:
        wanted[line.price_id] = wanted.get(line.price_id, 0) + line.quantity
    return wanted


def _unfit(at: int, detail: str) -> InvalidRequestError:
    fault = {"pointer": f"/items/{at}/priceId", "detail": detail}
    return InvalidRequestError("One value is wrong.", extra={"errors": [fault]})

"""`POST /api/cart/checkout` and `/api/orders`: products that are paid once."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dream_gateway.errors import (
    BillingAccountError,
    BillingNotConfiguredError,
    BillingUnavailableError,
    NotFoundError,
)
from dream_gateway.model import KeyKind
from dream_gateway.payments import CartLine
from dream_gateway.records import orders
from dream_gateway.service.authentication import MANAGERS, Auth
from dream_gateway.service.cart_shapes import (
    CartAnswer,
    CartRequest,
    OrderLineView,
    OrderPage,
    OrderQuery,
    OrderView,
)
from dream_gateway.service.failures import CREATE, READ
from dream_gateway.service.fields import IDEMPOTENCY_KEY, PROJECT_ID, USER_ID, user_of
from dream_gateway.service.operation import Operation
from dream_gateway.service.paging import cut, decode_position
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import instant, optional_instant
from dream_gateway.service.web_origins import allowed_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.admission import Admission
    from dream_gateway.billing.carts import Placed
    from dream_gateway.billing.engine import Engine
    from dream_gateway.model import Customer
    from dream_gateway.records.orders import Order
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory

PATH = "/api/orders"
BUYERS = frozenset({Auth.PUBLISHABLE, Auth.SECRET})


class OrderRoutes:
    """Takes carts of customers and of guests, and shows what was ordered."""

    def __init__(self, directory: Directory, admission: Admission, billing: Engine | None) -> None:
        self._directory = directory
        self._admission = admission
        self._billing = billing

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "POST",
                "/api/cart/checkout",
                "Pay for products; the stock is held until that is paid or expires",
                self.checkout,
                CartAnswer,
                auth=BUYERS,
                request=CartRequest,
                fields=(IDEMPOTENCY_KEY, USER_ID),
                creates=True,
                around=self.placed,
                errors=(
                    *CREATE,
                    BillingAccountError,
                    BillingNotConfiguredError,
                    BillingUnavailableError,
                ),
            ),
            Operation(
                "GET",
                PATH,
                "List orders, newest first",
                self.page,
                OrderPage,
                auth=MANAGERS,
                query=OrderQuery,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "GET",
                PATH + "/{id}",
                "Show an order",
                self.show,
                OrderView,
                auth=MANAGERS,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
        )

    @asynccontextmanager
    async def placed(self, call: Call) -> AsyncIterator[None]:
        """Place the order around the transaction that tells where to pay."""
        if self._billing is None:
            raise BillingNotConfiguredError
        asked: CartRequest = call.body
        project = call.known.project
        async with self._billing.carts.placed(
            project=project,
            lines=[CartLine(item.price_id, item.quantity) for item in asked.items],
            customer=await self._customer(call),
            email=asked.email,
            success_url=allowed_url(project, asked.success_url, "/successUrl"),
            cancel_url=allowed_url(project, asked.cancel_url, "/cancelUrl"),
            actor=call.actor,
        ) as call.elsewhere:
            yield

    async def checkout(self, call: Call) -> Answer:
        """Tell where to pay."""
        placed: Placed = call.elsewhere
        await placed.tell(call.writing.writer)
        order, session = placed.order, placed.session
        return Answer(
            CartAnswer(
                url=session.url,
                session_id=session.id,
                order_id=order.id,
                expires_at=instant(order.expires_at),
            )
        )

    async def page(self, call: Call) -> Answer:
        """List a page of the project's orders."""
        query: OrderQuery = call.query
        before = decode_position(query.cursor)
        async with self._directory.read() as reading:
            found = await orders.page(
                reading.connection, call.known.project.id, before, query.limit + 1
            )
        page, cursor = cut(found, query.limit, lambda order: str(order.position))
        views = [order_view(order) for order in page]
        return Answer(OrderPage(data=views, next_cursor=cursor, has_more=cursor is not None))

    async def show(self, call: Call) -> Answer:
        """Show one order."""
        async with self._directory.read() as reading:
            project, order_id = call.known.project.id, call.parameters["id"]
            found = await orders.by_id(reading.connection, project, order_id)
        if found is None:
            raise NotFoundError("There is no such order.")
        return Answer(order_view(found))

    async def _customer(self, call: Call) -> Customer | None:
        """Return whom a secret key names; a publishable one speaks for guests."""
        credential = call.known.credential
        is_secret = credential is not None and credential.kind is KeyKind.SECRET
        if not is_secret or call.text(b"x-user-id") is None:
            return None
        return await self._admission.users.customer(call.known.project, user_of(call))


def order_view(order: Order) -> OrderView:
    """Return an order as callers see it."""
    return OrderView(
        id=order.id,
        status=order.status.value,
        amount=order.amount,
        refunded=order.refunded,
        currency=order.currency,
        customer_id=order.customer_id,
        email=order.email,
        lines=[
            OrderLineView(
                product_id=line.product_id,
                name=line.name,
                quantity=line.quantity,
                unit_amount=line.unit_amount,
            )
            for line in order.lines
        ],
        payment_id=order.payment_id,
        created_at=instant(order.created_at),
        expires_at=instant(order.expires_at),
        settled_at=optional_instant(order.settled_at),
    )

"""Follows what is paid once: an order becomes what its checkout and its payment are at the provider."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dream_gateway.billing import ACTOR
from dream_gateway.billing.news import Owner, StaleError
from dream_gateway.errors import BillingAccountError, GatewayError
from dream_gateway.payments import CheckoutStatus
from dream_gateway.records import orders, projects
from dream_gateway.records.orders import HOLDING, LOST, OrderStatus

if TYPE_CHECKING:
    from dream_gateway.billing.news import Effect, News
    from dream_gateway.clock import Clock
    from dream_gateway.payments import Billing, CheckoutState, PaymentState
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.records.orders import Order

logger = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
AT_ONCE = 20

AGAIN_SECONDS = 60.0
"""After how long the provider is asked again what it could not tell."""

PAYING_SECONDS = 6 * 3_600.0
"""After how long it is asked again about money that is on its way, which may take days."""

BECOMES = {
    CheckoutStatus.OPEN: OrderStatus.OPEN,
    CheckoutStatus.PAYING: OrderStatus.PAYING,
    CheckoutStatus.PAID: OrderStatus.PAID,
    CheckoutStatus.FAILED: OrderStatus.FAILED,
    CheckoutStatus.EXPIRED: OrderStatus.EXPIRED,
}
"""What an order becomes by its checkout; what is paid goes on by its payment."""

FOLLOWS = {
    OrderStatus.OPEN: frozenset(OrderStatus),
    OrderStatus.PAYING: frozenset(OrderStatus) - {OrderStatus.OPEN},
    OrderStatus.FAILED: frozenset(OrderStatus) - HOLDING - LOST,
    OrderStatus.EXPIRED: frozenset(OrderStatus) - HOLDING - LOST,
}
"""What may follow what. Of what was paid it stays told that it was."""

SETTLED = frozenset({OrderStatus.PAID, OrderStatus.REFUNDED, OrderStatus.DISPUTED})


def settled(
    order: Order, checkout: CheckoutState, payment: PaymentState | None, now: float
) -> Order:
    """Return an order as its checkout and payment have it. Pure."""
    status = BECOMES[checkout.status]
    if status not in FOLLOWS.get(order.status, SETTLED):
        return order
    if payment is None and order.status in SETTLED:
        status = order.status
    new = replace(
        order,
        status=status,
        amount=checkout.amount,
        currency=checkout.currency,
        email=checkout.email or order.email,
        payment_id=checkout.payment_id or order.payment_id,
        settled_at=order.settled_at or (None if status in HOLDING else now),
    )
    return new if payment is None or status not in SETTLED else paid(new, payment)


def paid(order: Order, payment: PaymentState) -> Order:
    """Return an order that was paid as its payment has it: a dispute that was won is none. Pure."""
    status = OrderStatus.PAID
    if payment.disputed:
        status = OrderStatus.DISPUTED
    elif payment.refunded >= payment.amount > 0:
        status = OrderStatus.REFUNDED
    return replace(order, status=status, refunded=payment.refunded)


class Orders:
    """Asks the provider what became of orders. What it is told is the truth, whatever the news said."""

    def __init__(self, provider: Billing, records: Records, clock: Clock) -> None:
        self._provider = provider
        self._records = records
        self._clock = clock

    async def checkout_news(self, news: News) -> Effect | None:
        """Deal with news of a checkout; `None` if it is not an order's."""
        async with self._records.read() as connection:
            order = await orders.of_session(connection, news.account, news.ref)
        if order is None:
            return None
        try:
            return partial(self._store, order, await self._asked(order))
        except BillingAccountError:
            # Nobody can tell any more: see `step`.
            return None

    async def payment_news(self, news: News) -> Effect | None:
        """Deal with news of a payment; `None` if it is not an order's, or not known to be yet."""
        async with self._records.read() as connection:
            order = await orders.of_payment(connection, news.account, news.ref)
        if order is None or order.status not in SETTLED:
            return None
        try:
            payment = await self._provider.payment(news.account, news.ref)
        except BillingAccountError:
            return None
        return partial(self._store, order, order if payment is None else paid(order, payment))

    async def settle(self, order: Order) -> None:
        """Ask what became of an order and store it. Raises what `payments.Billing` does."""
        new = await self._asked(order)
        async with self._records.write(ACTOR) as writer:
            await self._store(order, new, writer)

    async def give_up(self, order: Order) -> None:
        """Have nobody pay an order any more, and its stock given back, unless it is paid already."""
        if order.session_id is None:
            # Whoever was to be sent there was never told where.
            async with self._records.write(ACTOR) as writer:
                await orders.change(writer, order, self._lost(order))
            return
        await self._provider.expire(order.account, order.session_id)
        await self.settle(order)

    async def step(self) -> bool:
        """Ask about orders of which there should have been news; return whether there may be more."""
        now = self._clock.now()
        async with self._records.read() as connection:
            if not await orders.any_due(connection, now):
                return False
        async with self._records.write(ACTOR) as writer:
            due = await orders.take_due(writer, LEASE_SECONDS, AT_ONCE)
        for order in due:
            await self._look_after(order)
        return len(due) == AT_ONCE

    async def _look_after(self, order: Order) -> None:
        wait = PAYING_SECONDS if order.status is OrderStatus.PAYING else AGAIN_SECONDS
        try:
            await self.give_up(order)
        except BillingAccountError:
            # Nobody can tell, and the page to pay at is closed by now.
            logger.warning("The account of the order %s is gone: its stock is free.", order.id)
            async with self._records.write(ACTOR) as writer:
                await orders.change(writer, order, self._lost(order))
        except (GatewayError, StaleError) as exc:
            logger.warning("The order %s has to wait: %s", order.id, exc)
            wait = AGAIN_SECONDS
        async with self._records.write(ACTOR) as writer:
            await orders.put_off(writer, order, wait)

    async def _asked(self, order: Order) -> Order:
        """Return an order as the provider has it; one that it does not know is lost."""
        assert order.session_id is not None  # noqa: S101 - it was found by it, or has one
        checkout = await self._provider.checkout_state(order.account, order.session_id)
        if checkout is None:
            return order if order.status not in HOLDING else self._lost(order)
        payment = None
        if checkout.payment_id is not None and checkout.status is CheckoutStatus.PAID:
            payment = await self._provider.payment(order.account, checkout.payment_id)
        return settled(order, checkout, payment, self._clock.now())

    async def _store(self, old: Order, new: Order, writer: Writer) -> Owner | None:
        if new != old and not await orders.change(writer, old, new):
            raise StaleError
        project = await projects.find_even_deleted(writer.connection, old.project_id)
        return None if project is None else Owner(project.platform_id, project.id)

    def _lost(self, order: Order) -> Order:
        return replace(order, status=OrderStatus.EXPIRED, settled_at=self._clock.now())

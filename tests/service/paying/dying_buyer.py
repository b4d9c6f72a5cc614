"""A worker that is killed at one step of placing an order: what it needs comes as JSON on stdin."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from dream_gateway.billing.carts import Carts
from dream_gateway.billing.orders import Orders
from dream_gateway.billing.payers import Payers
from dream_gateway.command_stores import open_stores
from dream_gateway.model import Actor
from dream_gateway.payments import CartLine
from dream_gateway.records import projects
from dream_gateway.settings import Settings
from dream_gateway.testing import FakeClock
from dream_gateway_stripe.billing import StripeBilling
from dream_gateway_stripe.settings import StripeSettings, configured

if TYPE_CHECKING:
    from dream_gateway.payments import Account, CartOrder, CheckoutSession


def die() -> None:
    """Be gone, with no chance to put anything right."""
    os.kill(os.getpid(), signal.SIGKILL)


class Dying(StripeBilling):
    """Stripe, asked by somebody who dies before or after it is."""

    step = ""

    async def cart(self, account: Account, order: CartOrder) -> CheckoutSession:
        if self.step == "held":
            die()
        session = await super().cart(account, order)
        if self.step == "asked":
            die()
        return session


async def buy(step: str, told: dict[str, Any]) -> None:
    """Place an order, and die at the step."""
    clock = FakeClock(told["now"])
    provider = Dying(configured(StripeSettings(**told["stripe"]), {}))
    provider.step = step
    async with open_stores(Settings(store=told["store"]), clock) as (records, _):
        async with records.read() as connection:
            project = await projects.find(connection, told["project"])
        assert project is not None
        followed, payers = Orders(provider, records, clock), Payers(provider, records)
        carts = Carts(provider, records, followed, payers)
        async with (
            carts.placed(
                project=project,
                lines=[CartLine(told["price"], 1)],
                customer=None,
                email=None,
                success_url="https://shop.example.com/",
                cancel_url="https://shop.example.com/",
                actor=Actor("test"),
            ) as placed,
            records.write("test") as writer,
        ):
            await placed.tell(writer)
            if step == "telling":
                die()
        die()


if __name__ == "__main__":
    asyncio.run(buy(sys.argv[1], json.load(sys.stdin)))

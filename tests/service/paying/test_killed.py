"""Workers that are killed (`kill -9`) between any two steps of `POST /api/cart/checkout`."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from dream_gateway.billing.carts import ORDER_SECONDS
from dream_gateway.records.billing_schema import orders

if TYPE_CHECKING:
    from tests.service.paying.conftest import Street

    from dream_gateway.testing.clock import FakeClock
    from dream_gateway_stripe.testing import FakeStripe

pytestmark = pytest.mark.long

BUYER = Path(__file__).parent / "dying_buyer.py"
STEPS = ("held", "asked", "telling", "told")
STOCK = 10


async def killed(step: str, told: bytes) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, BUYER, step, stdin=asyncio.subprocess.PIPE
    )
    await process.communicate(told)
    assert process.returncode == -signal.SIGKILL


async def test_nothing_is_lost_and_nothing_sold_twice(
    street: Street, database: Path, fake: FakeStripe, clock: FakeClock
) -> None:
    mug = await street.on_sale(inventory=STOCK)
    told = {
        "store": f"sqlite:///{database}",
        "now": clock.now(),
        "project": street.tenant.project.id,
        "price": mug["priceId"],
        "stripe": {
            "secret_key": fake.keys().secret,
            "api_url": fake.base_url,
            "connect_url": fake.base_url,
        },
    }
    await asyncio.gather(*(killed(step, json.dumps(told).encode()) for step in STEPS))
    assert await street.stock(mug) == STOCK - len(STEPS)
    query = select(orders.c.id, orders.c.session_id, orders.c.status)
    placed = await street.rows(query)
    assert {row.status for row in placed} == {"open"}
    # One alone was told where to pay; of two more Stripe has a page that nobody knows.
    (known,) = [row for row in placed if row.session_id is not None]
    assert len(street.objects("checkout.session")) == len(STEPS) - 1
    fake.people.check_out(known.session_id)
    clock.advance(ORDER_SECONDS + 61)
    while await street.engine.orders.step():
        pass
    await street.news()
    statuses = {row.id: row.status for row in await street.rows(query)}
    assert statuses.pop(known.id) == "paid"
    assert set(statuses.values()) == {"expired"}
    assert await street.stock(mug) == STOCK - 1

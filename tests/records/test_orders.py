"""Orders on each engine: stock that many carts want at once, and what becomes of what is held."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from dream_gateway.administration import Administration
from dream_gateway.command_stores import open_stores
from dream_gateway.errors import ConflictError
from dream_gateway.model import Mode, Product
from dream_gateway.payments import Account
from dream_gateway.records import orders, products
from dream_gateway.records.billing_schema import orders as order_rows
from dream_gateway.records.orders import LOST, Draft, Order, OrderLine, OrderStatus
from dream_gateway.settings import Settings
from dream_gateway.testing import FakeClock
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.records.database import Records

ACCOUNT = Account("acct_1", live=False)
CARTS = 50


class Shop:
    """A project with products, as several nodes see it."""

    def __init__(self, nodes: list[Records], clock: FakeClock) -> None:
        self.nodes = nodes
        self.clock = clock
        self.project = ""

    async def open(self) -> None:
        administration = Administration(self.nodes[0])
        made = await administration.create_platform("shop", Mode.TEST, [parse_tier("a=1")], [])
        self.project = made.project.id

    async def product(self, name: str, inventory: int | None, *, sold_out: bool = False) -> Product:
        wanted = Product(
            "", self.project, name, 500, "eur", 0.0, inventory=inventory, sold_out=sold_out
        )
        return await Administration(self.nodes[0]).set_product(wanted)

    async def stock(self, product: Product) -> int | None:
        async with self.nodes[0].read() as connection:
            found = await products.by_id(connection, self.project, product.id)
        assert found is not None
        return found.inventory

    async def order(self, *wanted: tuple[Product, int], node: int = 0) -> Order:
        now = self.clock.now()
        lines = tuple(OrderLine(each.id, each.name, count, each.price) for each, count in wanted)
        draft = Draft(self.project, ACCOUNT, "eur", lines, None, None, now + 1800, now + 1900)
        async with self.nodes[node].write("test") as writer:
            return await orders.place(writer, draft)

    async def become(self, order: Order, status: OrderStatus, node: int = 0) -> bool:
        async with self.nodes[node].write("test") as writer:
            return await orders.change(writer, order, replace(order, status=status))


@pytest.fixture
async def shop(store: str) -> AsyncIterator[Shop]:
    clock = FakeClock()
    async with AsyncExitStack() as stack:
        nodes = [
            (await stack.enter_async_context(open_stores(Settings(store=store), clock)))[0]
            for _ in range(2)
        ]
        made = Shop(nodes, clock)
        await made.open()
        yield made


async def test_of_50_carts_at_once_as_many_succeed_as_there_is_stock(shop: Shop) -> None:
    mug, cup = await shop.product("mug", 35), await shop.product("cup", 20)

    async def put(number: int) -> Order | ConflictError:
        # Each names the products in another order, and every second comes by another node.
        wanted = [(mug, 1), (cup, 1)] if number % 3 else [(cup, 1), (mug, 1)]
        try:
            return await shop.order(*wanted, node=number % 2)
        except ConflictError as exc:
            return exc

    came = await asyncio.gather(*(put(number) for number in range(CARTS)))
    placed = [each for each in came if isinstance(each, Order)]
    refused = [each for each in came if isinstance(each, ConflictError)]
    assert (len(placed), len(refused)) == (20, 30)
    assert {each.extra["productId"] for each in refused} == {cup.id}
    # Who got no cup left the mugs alone.
    assert (await shop.stock(mug), await shop.stock(cup)) == (15, 0)
    async with shop.nodes[0].read() as connection:
        assert (
            await connection.execute(select(func.count()).select_from(order_rows))
        ).scalar() == 20


async def test_what_is_lost_gives_its_stock_back_once(shop: Shop) -> None:
    mug = await shop.product("mug", 10)
    order = await shop.order((mug, 4))
    assert await shop.stock(mug) == 6
    told = await asyncio.gather(
        *(shop.become(order, OrderStatus.EXPIRED, node=number % 2) for number in range(10))
    )
    assert sorted(told) == [False] * 9 + [True]
    assert await shop.stock(mug) == 10


async def test_what_is_paid_keeps_it(shop: Shop) -> None:
    mug = await shop.product("mug", 10)
    order = await shop.order((mug, 4))
    assert await shop.become(order, OrderStatus.PAID)
    assert not await shop.become(order, OrderStatus.EXPIRED)
    assert await shop.stock(mug) == 6


async def test_a_deleted_products_stock_comes_back_to_it(shop: Shop) -> None:
    mug = await shop.product("mug", 10)
    order = await shop.order((mug, 4))
    await Administration(shop.nodes[0]).delete_product(shop.project, "mug")
    assert await shop.become(order, OrderStatus.FAILED)


@pytest.mark.parametrize("left", [10, 3])
async def test_what_is_paid_after_all_takes_what_is_left(shop: Shop, left: int) -> None:
    mug = await shop.product("mug", left)
    order = await shop.order((mug, 3))
    assert await shop.become(order, OrderStatus.EXPIRED)
    other = await shop.order((mug, 2))
    async with shop.nodes[0].read() as connection:
        lost = await orders.by_id(connection, shop.project, order.id)
    assert lost is not None
    assert lost.status in LOST
    assert not lost.lines[0].reserved
    assert await shop.become(lost, OrderStatus.PAID)
    assert await shop.stock(mug) == (5 if left == 10 else 1)
    assert other.lines[0].reserved


async def test_what_is_not_counted_is_never_short(shop: Shop) -> None:
    song = await shop.product("song", None)
    order = await shop.order((song, 1_000_000))
    assert not order.lines[0].reserved
    assert order.amount == 500_000_000
    assert await shop.become(order, OrderStatus.EXPIRED)
    assert await shop.stock(song) is None


@pytest.mark.parametrize(("inventory", "sold_out"), [(0, False), (5, True), (None, True)])
async def test_what_is_sold_out_is_refused(
    shop: Shop, inventory: int | None, sold_out: bool
) -> None:
    mug = await shop.product("mug", inventory, sold_out=sold_out)
    with pytest.raises(ConflictError, match="mug"):
        await shop.order((mug, 1))
    assert await shop.stock(mug) == inventory


async def test_what_is_due_is_taken_by_one_node(shop: Shop) -> None:
    mug = await shop.product("mug", 10)
    placed = [await shop.order((mug, 1)) for _ in range(3)]
    shop.clock.advance(1900)

    async def take(node: int) -> list[Order]:
        async with shop.nodes[node].write("test") as writer:
            return await orders.take_due(writer, 60, 2)

    taken = await asyncio.gather(*(take(number % 2) for number in range(4)))
    found = [order.id for each in taken for order in each]
    assert sorted(found) == sorted(order.id for order in placed)
    shop.clock.advance(60)
    assert len(await take(0)) == 2


async def test_a_session_comes_too_late_for_what_was_given_up(shop: Shop) -> None:
    mug = await shop.product("mug", 10)
    order = await shop.order((mug, 1))
    await shop.become(order, OrderStatus.EXPIRED)
    with pytest.raises(ConflictError):
        async with shop.nodes[0].write("test") as writer:
            await orders.opened(writer, order, "cs_1")

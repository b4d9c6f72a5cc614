"""A pool that is used up serves who waits longest first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.edge.origin import parse_origin
from dream_gateway.edge.pool import Pool
from dream_gateway.edge.routes import Route
from dream_gateway.errors import UpstreamTimeoutError

if TYPE_CHECKING:
    from dream_gateway.edge.link import Link
    from dream_gateway.errors import GatewayError


class Wire(asyncio.Transport):
    """Goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def write(self, data: Any) -> None: ...

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Content:
    """Takes any answer whole."""

    def take(self, data: bytes) -> bool:
        return bool(data)

    def broken(self, error: GatewayError) -> None:
        raise error

    def request_full(self) -> None: ...


class MemoryPool(Pool):
    """A pool whose connections lead nowhere."""

    def __init__(self, limit: int) -> None:
        super().__init__(parse_origin("http://api:3000"), None, limit)
        self.dialled = 0

    async def _dial(self, link: Link) -> None:
        self.dialled += 1
        link.connection_made(Wire())


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_comes_late_does_not_overtake_who_waits() -> None:
    pool = MemoryPool(1)
    link = await pool.connect(5)
    first = asyncio.ensure_future(pool.connect(5))
    second = asyncio.ensure_future(pool.connect(5))
    await turns()
    pool.keep(link)
    assert pool.take_idle() is None
    assert await first is link
    assert not second.done()
    pool.keep(link)
    assert await second is link
    pool.keep(link)
    assert pool.take_idle() is link
    await pool.close()


async def test_a_connection_given_to_one_who_left_is_passed_on() -> None:
    pool = MemoryPool(1)
    link = await pool.connect(5)
    gone = asyncio.ensure_future(pool.connect(5))
    waits = asyncio.ensure_future(pool.connect(5))
    await turns()
    pool.keep(link)
    gone.cancel()
    assert await waits is link
    assert gone.cancelled()
    await pool.close()


async def test_a_connection_that_is_lost_makes_room_for_another() -> None:
    pool = MemoryPool(1)
    link = await pool.connect(5)
    waits = asyncio.ensure_future(pool.connect(5))
    await turns()
    link.abort()
    link.connection_lost(None)
    assert await waits is not link
    assert pool.dialled == 2
    await pool.close()


async def test_who_waits_too_long_is_told() -> None:
    pool = MemoryPool(1)
    link = await pool.connect(5)
    with pytest.raises(UpstreamTimeoutError):
        await pool.connect(0.001)
    pool.keep(link)
    assert pool.take_idle() is link
    await pool.close()


async def test_what_lies_idle_is_closed_the_second_time_it_is_seen() -> None:
    pool = MemoryPool(2)
    idle, used = await pool.connect(5), await pool.connect(5)
    pool.keep(idle)
    pool.keep(used)
    pool._look_over()
    assert pool.take_idle() is used
    used.dispatch(b"GET / HTTP/1.1\r\nhost: api\r\n\r\n", Content(), Route())
    used.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    pool.keep(used)
    pool._look_over()
    assert idle.closing
    assert pool.take_idle() is used
    assert pool.take_idle() is None
    await pool.close()

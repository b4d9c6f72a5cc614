"""The stream: what a follower hears, and when it is told that it may have missed something."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from tests.servers.stores import opened
from tests.servers.valkey import DURABLE, Server
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.errors import StoreUnavailableError
from dream_gateway.storage import Change, Subject
from dream_gateway.testing.feed import generator
from dream_gateway_valkey.feed import BATCH, EVERYTHING, KEPT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dream_gateway.storage import ChangeFeed


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    server = Server(*DURABLE)
    yield server
    server.remove()


@pytest.fixture
def url(own: Server) -> str:
    with own.client() as client:
        client.flushall()
    return own.url


@asynccontextmanager
async def following(url: str) -> AsyncIterator[ChangeFeed]:
    async with opened(url) as backend:
        yield backend.feed()


def change(number: int) -> Change:
    return Change(Subject.TIER, f"prj_{number}")


async def heard(follower: AsyncIterator[object]) -> list[Change]:
    """Return what came up to the first sign of life after something."""
    seen: list[Change] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            batch = await anext(follower)
            assert isinstance(batch, list | tuple)
            if not batch and seen:
                return seen
            seen.extend(batch)


FILL = """
for number = 0, ARGV[1] - 1 do
  local text = string.format('[["tier", "prj_%d"]]', number)
  server.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'changes', text)
end
"""


def fill(own: Server, entries: int) -> None:
    """Append what publishers would, with their trimming."""
    with own.client() as client:
        client.eval(FILL, 1, "dg:changes", entries, KEPT)


async def test_order_is_kept_however_many_there_are(own: Server, url: str) -> None:
    async with following(url) as feed, aclosing(generator(feed)) as follower:
        await anext(follower)
        fill(own, 2 * BATCH + 1)
        assert await heard(follower) == [change(number) for number in range(2 * BATCH + 1)]


async def test_what_is_published_together_arrives_together(url: str) -> None:
    async with following(url) as feed, aclosing(generator(feed)) as follower:
        await anext(follower)
        changes = [change(number) for number in range(500)]
        await feed.publish(changes)
        await feed.publish([])
        assert list(await anext(follower)) == changes


async def test_the_stream_stays_short(own: Server, url: str) -> None:
    async with following(url) as feed:
        fill(own, KEPT + 500)
        await feed.publish([change(0)])
        with own.client() as client:
            assert KEPT <= client.xlen("dg:changes") < KEPT + 500


async def test_one_that_was_away_for_longer_than_the_stream_is_told(own: Server, url: str) -> None:
    async with (
        following(url) as feed,
        aclosing(generator(feed)) as late,
        aclosing(generator(feed)) as later,
    ):
        await anext(late)
        await anext(later)
        fill(own, KEPT // 2)
        assert len(await heard(late)) == KEPT // 2
        fill(own, KEPT * 3 // 4)
        # It has read half of it, and all that it has not is still there.
        assert len(await heard(late)) == KEPT * 3 // 4
        assert await heard(later) == [EVERYTHING]
        await feed.publish([change(7)])
        assert await heard(late) == await heard(later) == [change(7)]


async def test_a_stream_that_was_replaced_is_told(own: Server, url: str) -> None:
    async with following(url) as feed, aclosing(generator(feed)) as follower:
        await anext(follower)
        await feed.publish([change(1)])
        assert await heard(follower) == [change(1)]
        await feed.publish([change(2)])
        with own.client() as client:
            client.flushall()
        await feed.publish([change(3)])
        assert await heard(follower) == [EVERYTHING]
        await feed.publish([change(4)])
        assert await heard(follower) == [change(4)]
        with own.client() as client:
            client.flushall()
        assert await heard(follower) == [EVERYTHING]


async def test_what_a_newer_version_writes_may_mean_anything(own: Server, url: str) -> None:
    async with following(url) as feed, aclosing(generator(feed)) as follower:
        await anext(follower)
        with own.client() as client:
            client.xadd("dg:changes", {"changes": '[["new", "x"]]'})
            client.xadd("dg:changes", {"other": "format"})
        assert await heard(follower) == [EVERYTHING, EVERYTHING]


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_restart_ends_the_follower_who_can_begin_again(
    own: Server, url: str, keeps: bool
) -> None:
    async with following(url) as feed:
        follower = generator(feed)
        await anext(follower)
        own.kill()
        if not keeps:
            for file in own.folder.glob("appendonlydir/*"):
                file.unlink()
        own.start()
        with pytest.raises(StoreUnavailableError):
            await heard(follower)
        async with aclosing(generator(feed)) as again:
            assert list(await anext(again)) == []
            await feed.publish([change(1)])
            assert await heard(again) == [change(1)]


async def test_a_server_that_hangs_ends_the_follower_in_time(own: Server, url: str) -> None:
    async with following(f"{url}?timeout=0.4") as feed:
        follower = generator(feed)
        await anext(follower)
        own.pause()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                errors = await asyncio.gather(
                    heard(follower),
                    anext(generator(feed)),
                    feed.publish([change(1)]),
                    return_exceptions=True,
                )
            assert [type(error) for error in errors] == [StoreUnavailableError] * 3
        finally:
            own.resume()
        async with aclosing(generator(feed)) as again:
            await anext(again)
            await feed.publish([change(2)])
            assert change(2) in await heard(again)

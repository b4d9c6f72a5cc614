"""What every `ChangeFeed` must do."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import pytest

from dream_gateway.storage import Change, Subject
from dream_gateway.testing.asynchronous import AsyncTests

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence

    from dream_gateway.storage import ChangeFeed

PATIENCE_SECONDS = 30.0
"""How long a test waits before it fails; what the contract promises is asserted by itself."""

SIGN_OF_LIFE_SECONDS = 0.5
PROMPT_SECONDS = 1.0

FIRST = Change(Subject.CREDENTIAL, "key_1")
SECOND = Change(Subject.TIER, "prj_1")


async def read_until(follower: AsyncIterator[Sequence[Change]], count: int) -> list[Change]:
    """Return the next `count` changes, or more if they came together."""
    seen: list[Change] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(seen) < count:
            seen.extend(await anext(follower))
    return seen


class FeedContract(AsyncTests):
    """Override `feed`, and `change`: how changes are committed to the records and announced."""

    @pytest.fixture
    def feed(self) -> ChangeFeed:
        """Return an open feed."""
        raise NotImplementedError

    @pytest.fixture
    def change(self, feed: ChangeFeed) -> Callable[[Sequence[Change]], Awaitable[None]]:
        """Return what makes changes; where the feed reads a table, it writes that table."""
        return feed.publish

    async def test_the_first_batch_is_empty_and_at_once(self, feed: ChangeFeed) -> None:
        """Nobody has to wait for a change to know that the feed is up."""
        async with aclosing(generator(feed)) as follower, asyncio.timeout(PATIENCE_SECONDS):
            assert list(await anext(follower)) == []

    async def test_nothing_after_the_first_step_is_missed(
        self, feed: ChangeFeed, change: Callable[[Sequence[Change]], Awaitable[None]]
    ) -> None:
        """In order, and within a second."""
        async with aclosing(generator(feed)) as follower:
            await anext(follower)
            await change([FIRST])
            await change([SECOND])
            async with asyncio.timeout(PROMPT_SECONDS):
                assert await read_until(follower, 2) == [FIRST, SECOND]

    async def test_earlier_changes_are_not_repeated(
        self, feed: ChangeFeed, change: Callable[[Sequence[Change]], Awaitable[None]]
    ) -> None:
        """A follower starts at the present."""
        await change([FIRST])
        async with aclosing(generator(feed)) as follower:
            await anext(follower)
            await change([SECOND])
            assert await read_until(follower, 1) == [SECOND]

    async def test_every_follower_sees_every_change(
        self, feed: ChangeFeed, change: Callable[[Sequence[Change]], Awaitable[None]]
    ) -> None:
        """They do not compete."""
        async with aclosing(generator(feed)) as one, aclosing(generator(feed)) as two:
            await anext(one)
            await anext(two)
            await change([FIRST, SECOND])
            assert await read_until(one, 2) == [FIRST, SECOND]
            assert await read_until(two, 2) == [FIRST, SECOND]

    async def test_a_quiet_feed_shows_signs_of_life(self, feed: ChangeFeed) -> None:
        """At least twice a second, an empty batch if there is nothing else."""
        async with aclosing(generator(feed)) as follower:
            await anext(follower)
            async with asyncio.timeout(SIGN_OF_LIFE_SECONDS * 2):
                assert list(await anext(follower)) == []
                assert list(await anext(follower)) == []


def generator(feed: ChangeFeed) -> AsyncGenerator[Sequence[Change], None]:
    """Return a follower that can be closed: `follow` is a generator in all but type."""
    return cast("AsyncGenerator[Sequence[Change], None]", feed.follow())

"""The change feed: hands what is published to the followers of the same event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.errors import StoreUnavailableError
from dream_gateway.storage import Change, Subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

SIGN_OF_LIFE_SECONDS = 0.4
BACKLOG = 10_000
"""Changes kept for a follower that does not keep up; past that it is told to forget everything."""


class MemoryFeed:
    """Every follower has a backlog of its own."""

    def __init__(self) -> None:
        self._followers: set[Follower] = set()
        self._closed = False

    async def publish(self, changes: Sequence[Change]) -> None:
        """Give the changes to every follower."""
        for follower in self._followers:
            follower.put(changes)

    def close(self) -> None:
        """End every `follow` with `StoreUnavailableError`."""
        self._closed = True
        for follower in self._followers:
            follower.put(())

    async def follow(self) -> AsyncIterator[Sequence[Change]]:
        """Yield changes published after the first step."""
        follower = Follower()
        self._followers.add(follower)
        try:
            changes: list[Change] = []
            while not self._closed:
                yield changes
                changes = await follower.get()
            raise StoreUnavailableError("The store is closed.")
        finally:
            self._followers.discard(follower)


class Follower:
    """One follower's backlog."""

    def __init__(self) -> None:
        self._waker = asyncio.Event()
        self._backlog: list[Change] = []

    def put(self, changes: Sequence[Change]) -> None:
        """Add changes, and wake whoever waits for them."""
        self._backlog.extend(changes)
        if len(self._backlog) > BACKLOG:
            self._backlog = [Change(Subject.ALL, "")]
        self._waker.set()

    async def get(self) -> list[Change]:
        """Return the backlog, once there is one or a sign of life is due."""
        try:
            async with asyncio.timeout(SIGN_OF_LIFE_SECONDS):
                await self._waker.wait()
        except TimeoutError:
            return []
        self._waker.clear()
        changes, self._backlog = self._backlog, []
        return changes

"""Keeps the hot cache true: what the change feeds name is dropped from it.

While a feed is lost, nothing that is cached is trusted for long.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from dream_gateway.errors import GatewayError
from dream_gateway.storage import Subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from dream_gateway.cache import Cache
    from dream_gateway.shared import SharedSource
    from dream_gateway.storage import Change, ChangeFeed

logger = logging.getLogger(__name__)
FEED_RETRY_SECONDS = 0.5
FEED_SILENCE_SECONDS = 3.0
"""How long a feed may give no sign of life, due twice a second, before it is taken for lost."""


class Invalidator:
    """Drops from one cache what changed; tells `shared`, if what is cached came through one."""

    def __init__(self, cache: Cache[object], shared: SharedSource | None = None) -> None:
        self._cache = cache
        self._shared = shared
        self.feeds_alive = 0
        """How many feeds are followed right now and have not gone silent."""

    async def follow(self, feed: ChangeFeed) -> None:
        """Drop what the feed names, for ever; while it is lost, trust nothing for long."""
        while True:
            try:
                await self._listen(feed)
            except GatewayError as exc:
                logger.warning("The change feed is lost: %s", exc.code)
            except TimeoutError:
                logger.warning("The change feed is lost: it is silent")
            except Exception:
                # Not what a feed may raise; but to end here would leave revoked keys working.
                logger.exception("The change feed broke.")
            finally:
                self._lost()
            await asyncio.sleep(FEED_RETRY_SECONDS)

    def apply(self, changes: Sequence[Change]) -> None:
        """Drop what these changes make wrong."""
        if self._shared is not None:
            self._shared.heard(changes)
        for change in changes:
            if change.subject is Subject.ALL:
                self._cache.clear()
            else:
                self._cache.invalidate(f"{change.subject}:{change.ref}")

    def _lost(self) -> None:
        self._cache.distrust()
        if self._shared is not None:
            self._shared.lost()

    async def _listen(self, feed: ChangeFeed) -> None:
        async with aclosing(feed.follow()) as batches:  # type: ignore[type-var] # a generator
            self.apply(await _next_of(batches))
            # From here on nothing is missed; what was read before may lack something.
            self._cache.distrust()
            self.feeds_alive += 1
            if self._shared is not None:
                self._shared.following()
            try:
                while True:
                    self.apply(await _next_of(batches))
            finally:
                self.feeds_alive -= 1


async def _next_of(batches: AsyncIterator[Sequence[Change]]) -> Sequence[Change]:
    """Return the next batch. Raises `TimeoutError` if the feed is silent or at its end."""
    async with asyncio.timeout(FEED_SILENCE_SECONDS):
        batch = await anext(batches, None)
    if batch is None:
        raise TimeoutError
    return batch

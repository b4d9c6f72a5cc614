"""Lets a few in at a time: a crowd waits outside, where waiting costs the event loop nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.errors import OverloadedError

if TYPE_CHECKING:
    from types import TracebackType

RETRY_SECONDS = 2.0


class Turnstile:
    """At most `width` at once, first come, first served; past `waiting` raises `OverloadedError`."""

    def __init__(self, *, width: int, waiting: int) -> None:
        self._width = asyncio.Semaphore(width)
        self._most = width + waiting
        self._here = 0

    async def __aenter__(self) -> None:
        if self._here >= self._most:
            raise OverloadedError(retry_after=RETRY_SECONDS)
        self._here += 1
        try:
            await self._width.acquire()
        except BaseException:
            self._here -= 1
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._here -= 1
        self._width.release()

"""Work that is done again and again beside the requests, such as taking what is due of a table."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from dream_gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

FINISH_SECONDS = 5.0
"""How long a step that is under way may take to finish at the end."""


class Recurring:
    """Does one step after another, on the event loop it is started on.

    `step` returns whether there is more to do right now: then it is called at once, otherwise when
    `wake` is called, or after `every` seconds. What it raises is logged, and it is called again.
    """

    def __init__(self, name: str, step: Callable[[], Awaitable[bool]], every: float) -> None:
        self._name = name
        self._step = step
        self._every = every
        self._woken = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    def wake(self) -> None:
        """Have the next step done at once. Never blocks."""
        self._woken.set()

    async def aclose(self) -> None:
        """Let the step under way finish, and do no other. Safe to call twice, and without `start`."""
        self._closing = True
        self.wake()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=FINISH_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _run(self) -> None:
        while not self._closing:
            self._woken.clear()
            if not await self._more() and not self._closing:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._every):
                        await self._woken.wait()

    async def _more(self) -> bool:
        try:
            return await self._step()
        except GatewayError as exc:
            logger.warning("%s has to wait: %s", self._name, exc.code)
        except Exception:
            # Whatever it was, what comes next must not wait for ever.
            logger.exception("%s failed.", self._name)
        return False

"""Sends mail behind the requests that cause it, so that none of them shows whether it did."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dream_gateway.facilities import Mail

_LOG = logging.getLogger(__name__)

MOST_WAITING = 1_000
CLERKS = 4
"""One mail that does not get through must not keep the others."""

TRIES = 3
PAUSE_SECONDS = 5.0


class LoggingMailer:
    """Writes each message to the log: what a developer reads instead of an inbox.

    The links in it are secrets, which is why nothing but a development machine should be without a
    mailer; it says so.
    """

    async def send(self, mail: Mail) -> None:
        """Log a message."""
        _LOG.warning(
            "No plugin sends mail, so this is only logged: to %s, %s\n%s",
            mail.to,
            mail.subject,
            mail.text,
        )


class Mailroom:
    """Does errands, a few at a time, each tried again a few times. Use it from one event loop.

    What waits when the worker ends is lost: whoever waits for the mail asks again.
    """

    def __init__(self) -> None:
        self._errands: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue(MOST_WAITING)
        self._clerks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begin to work."""
        loop = asyncio.get_running_loop()
        self._clerks = [loop.create_task(self._work()) for _ in range(CLERKS)]

    async def aclose(self) -> None:
        """Stop. Safe to call twice, and without `open`."""
        for clerk in self._clerks:
            clerk.cancel()
        await asyncio.gather(*self._clerks, return_exceptions=True)
        self._clerks.clear()

    def post(self, errand: Callable[[], Awaitable[None]]) -> None:
        """Leave an errand; with too many waiting it is dropped, and logged. Never blocks."""
        try:
            self._errands.put_nowait(errand)
        except asyncio.QueueFull:
            _LOG.error("a mail was dropped: %d wait already", MOST_WAITING)

    async def drained(self) -> None:
        """Return once every errand is done or given up."""
        await self._errands.join()

    async def _work(self) -> None:
        while True:
            errand = await self._errands.get()
            await _do(errand)
            self._errands.task_done()


async def _do(errand: Callable[[], Awaitable[None]]) -> None:
    for left in reversed(range(TRIES)):
        try:
            await errand()
        except Exception as exc:  # noqa: BLE001 - whatever a mailer raises
            # Not the text: a mail server's answer may repeat the message.
            _LOG.warning("a mail was not sent (%s), tries left: %d", type(exc).__name__, left)
            if left:
                await asyncio.sleep(PAUSE_SECONDS)
        else:
            return

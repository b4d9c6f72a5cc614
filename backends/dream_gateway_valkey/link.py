"""One server's connection, shared by all who call: a batch goes out as it comes, in one write."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from dream_gateway_valkey.driver import BrokenError, RefusedError, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Batch:
    """Replies that somebody waits for."""

    __slots__ = ("future", "missing", "replies")

    def __init__(self, count: int, future: asyncio.Future[list[Any]]) -> None:
        self.missing = count
        self.replies: list[Any] = []
        self.future = future


class Link:
    """Connects when first used, and again after it failed. Whoever waits then is told at once."""

    def __init__(self, new_wire: Callable[[], Wire]) -> None:
        self._new_wire = new_wire
        self._wire: Wire | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: deque[Batch] = deque()
        self._connecting = asyncio.Lock()

    async def call(
        self, commands: Sequence[Sequence[str | bytes | int]], seconds: float
    ) -> list[Any]:
        """Send commands in one write, and return their replies, errors of the server among them.

        Raises `BrokenError`, also if the replies take longer than that: then nobody's come any more;
        `RefusedError` if the server will not have us; `UnicodeError` for text that is none.
        """
        sent, wire = False, None
        try:
            async with asyncio.timeout(seconds):
                wire = self._wire or await self._connect()
                packed = wire.pack(commands)
                batch = Batch(len(commands), asyncio.get_running_loop().create_future())
                self._waiting.append(batch)
                sent = True
                await wire.send(packed)
                return await batch.future
        except TimeoutError as error:
            await self._drop(wire)
            raise BrokenError(sent=sent) from error
        except BrokenError:
            await self._drop(wire)
            raise

    async def close(self) -> None:
        """Let go of the connection; what waits fails. The next call connects again."""
        await self._drop(self._wire)

    async def _drop(self, failed: Wire | None) -> None:
        """Let go of a connection, unless another is in its place already."""
        if failed is None or self._wire is not failed:
            return
        wire, self._wire = self._wire, None
        reader, self._reader = self._reader, None
        self._fail()
        if reader is not None and reader is not asyncio.current_task():
            reader.cancel()
        if wire is not None:
            await wire.close()

    async def _connect(self) -> Wire:
        async with self._connecting:
            if self._wire is None:
                wire = self._new_wire()
                try:
                    await wire.connect()
                except BaseException:
                    await wire.close()
                    raise
                self._wire = wire
                self._waiting = deque()
                self._reader = asyncio.create_task(self._read(wire, self._waiting))
            return self._wire

    async def _read(self, wire: Wire, waiting: deque[Batch]) -> None:
        """Hand out replies until the connection fails."""
        try:
            while True:
                reply = await wire.read()
                batch = waiting[0]
                batch.replies.append(reply)
                batch.missing -= 1
                if not batch.missing:
                    waiting.popleft()
                    if not batch.future.done():
                        batch.future.set_result(batch.replies)
                if isinstance(reply, RefusedError) and reply.code in {"LOADING", "NOAUTH"}:
                    raise BrokenError(sent=True)  # noqa: TRY301 - as if the connection had failed
        except (BrokenError, IndexError):
            await self._drop(wire)

    def _fail(self) -> None:
        waiting, self._waiting = self._waiting, deque()
        for batch in waiting:
            if not batch.future.done():
                batch.future.set_exception(BrokenError(sent=True))
                batch.future.exception()  # seen: who failed to send does not wait for it

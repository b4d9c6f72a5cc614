"""A real TCP connection that can be cut, stalled and made to lose answers, on purpose."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHUNK_BYTES = 1 << 16


class State(StrEnum):
    """What the wire does with what comes."""

    WHOLE = "whole"
    CUT = "cut"
    STALLED = "stalled"
    DEAF = "deaf"


class Wire:
    """Stands between a client and a server, on a port of loopback. Used from one event loop."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._state = State.WHOLE
        self._moved = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        """Where clients connect to."""

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End every connection and stop listening."""
        if self._server is not None:
            self._server.close()
        await self._end_all()

    async def cut(self) -> None:
        """Reset every connection, and refuse new ones."""
        self._become(State.CUT)
        await self._end_all()

    def stall(self) -> None:
        """Keep connections, accept new ones, and pass nothing on."""
        self._become(State.STALLED)

    def lose_answers(self) -> None:
        """Pass on what clients say, and drop what the server answers."""
        self._become(State.DEAF)

    async def heal(self) -> None:
        """Be a wire again. Connections of the time before are reset."""
        await self._end_all()
        self._become(State.WHOLE)

    def _become(self, state: State) -> None:
        self._state = state
        self._moved.set()
        self._moved = asyncio.Event()

    async def _end_all(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._state is not State.CUT:
                await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            return  # the wire is cut, or one of its ends is gone
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(*self._target)
        ways = [
            asyncio.ensure_future(self._pass_on(reader, forth, answers=False)),
            asyncio.ensure_future(self._pass_on(back, writer, answers=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            forth.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            while self._state is State.STALLED:
                await self._moved.wait()
            if answers and self._state is State.DEAF:
                continue
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def open_wire(host: str, port: int) -> AsyncIterator[Wire]:
    """Open a wire to a server, and close it in the end."""
    wire = Wire(host, port)
    await wire.open()
    try:
        yield wire
    finally:
        with suppress(OSError):
            await wire.close()

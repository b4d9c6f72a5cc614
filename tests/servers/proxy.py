"""A TCP proxy that can cut connections at the worst moment."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Proxy:
    """Passes bytes on. `cut_after`: end the connection once these went, before their answer does."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.cuts = 0
        self.cut_after: bytes | None = None
        self._target = port
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, up_writer]
        answers = asyncio.create_task(self._pass_on(up_reader, writer))
        with suppress(OSError):
            while data := await reader.read(65536):
                up_writer.write(data)
                if self.cut_after is not None and self.cut_after in data:
                    answers.cancel()
                    await asyncio.wait([answers])
                    # Its answer: by now the server has done what it was told.
                    await up_reader.read(1)
                    self.cut_after, self.cuts = None, self.cuts + 1
                    writer.transport.abort()
                    break
        answers.cancel()
        up_writer.close()

    def close(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()


@asynccontextmanager
async def proxied(port: int) -> AsyncIterator[Proxy]:
    """Run a proxy before a port."""
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1")
    proxy.port = server.sockets[0].getsockname()[1]
    yield proxy
    server.close()
    proxy.close()

"""Places: what the nodes keep everything in, and what can be done to it."""

from __future__ import annotations

import signal
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from tests.servers.postgres import own_server

from chaos.conditions import small_disk
from dream_gateway.testing import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.servers.postgres import PostgresServer

    from chaos.conditions import Disk

    OpenPlace = Callable[[Path], AbstractAsyncContextManager["Place"]]


DISK_MEGABYTES = 32


class Server(Protocol):
    """A store's own process. The verbs block until it is done."""

    def kill(self) -> None:
        """Kill it, as a power loss of its machine would, but for what the kernel has."""
        ...

    def start(self) -> None:
        """Start it on what it left."""
        ...

    def pause(self) -> None:
        """Let it stand still."""
        ...

    def resume(self) -> None:
        """Let it go on."""
        ...


class Place:
    """Stores that run. What is `None` is not there to be broken."""

    def __init__(
        self,
        name: str,
        stores: Mapping[str, str],
        server: Server | None = None,
        wire: Wire | None = None,
        disk: Disk | None = None,
    ) -> None:
        self.name = name
        self.stores = stores
        self.server = server
        self.wire = wire
        self.disk = disk


class _Postgres:
    """A PostgreSQL server, as something to be broken."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def kill(self) -> None:
        self._server.stop(signal.SIGKILL)

    def start(self) -> None:
        self._server.start()

    def pause(self) -> None:
        self._server.pause()

    def resume(self) -> None:
        self._server.resume()


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Place]:
    """One file on one machine: every node is a process of it."""
    with small_disk(folder / "disk", DISK_MEGABYTES) as disk:
        place = folder if disk is None else disk.folder
        yield Place("SQLite", {"store": f"sqlite:///{place}/dream.db"}, disk=disk)


@asynccontextmanager
async def postgres(_: Path) -> AsyncIterator[Place]:
    """One PostgreSQL server for everything, over a wire."""
    with ExitStack() as stack:
        server = stack.enter_context(own_server())
        wire = Wire("127.0.0.1", server.port)
        await wire.open()
        try:
            url = server.url.replace(f":{server.port}/", f":{wire.port}/")
            yield Place("Postgres", {"store": url}, _Postgres(server), wire)
        finally:
            await wire.close()


def places() -> dict[str, OpenPlace]:
    """Return every place by the word that chooses it."""
    return {"sqlite": sqlite, "postgres": postgres}

"""Places: what the nodes keep everything in, and what can be done to it."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from tests.servers.postgres import own_server
from tests.servers.valkey import DURABLE, Cluster, Server

from chaos.conditions import SQLITE_FILE, SqliteDisk, small_disk
from dream_gateway.testing import open_wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.servers.postgres import PostgresServer

    from chaos.conditions import Disk
    from dream_gateway.testing import Wire

    OpenPlace = Callable[[Path], AbstractAsyncContextManager["Place"]]


DISK_MEGABYTES = 32


class Breakable(Protocol):
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
        server: Breakable | None = None,
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


class _Primaries:
    """All primaries of a cluster, as something to be broken."""

    def __init__(self, made: Cluster) -> None:
        self._servers = made.servers

    def kill(self) -> None:
        for server in self._servers:
            server.kill()

    def start(self) -> None:
        for server in self._servers:
            server.start()

    def pause(self) -> None:
        for server in self._servers:
            server.pause()

    def resume(self) -> None:
        for server in self._servers:
            server.resume()


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Place]:
    """One file on one machine: every node is a process of it."""
    with small_disk(folder / "disk", DISK_MEGABYTES, SqliteDisk) as disk:
        place = folder if disk is None else disk.folder
        yield Place("SQLite", {"store": f"sqlite:///{place}/{SQLITE_FILE}"}, disk=disk)


@asynccontextmanager
async def postgres(_: Path) -> AsyncIterator[Place]:
    """One PostgreSQL server for everything, over a wire."""
    with own_server() as server:
        async with open_wire("127.0.0.1", server.port) as wire:
            url = server.url.replace(f":{server.port}/", f":{wire.port}/")
            yield Place("Postgres", {"store": url}, _Postgres(server), wire)


@asynccontextmanager
async def valkey(folder: Path) -> AsyncIterator[Place]:
    """One Valkey that syncs every write, over a wire, for the ledger; the records in a file."""
    server = await asyncio.to_thread(Server, *DURABLE)
    try:
        async with open_wire("127.0.0.1", server.port) as wire:
            stores = {"store": f"sqlite:///{folder}/dream.db"}
            stores |= dict.fromkeys(("ledger", "kv"), f"valkey://127.0.0.1:{wire.port}")
            yield Place("Valkey", stores, server, wire)
    finally:
        server.remove()


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Place]:
    """Run a Valkey Cluster of three primaries, all of which are broken at once."""
    made = await asyncio.to_thread(Cluster)
    try:
        stores = {"store": f"sqlite:///{folder}/dream.db"}
        stores |= dict.fromkeys(("ledger", "kv"), made.url)
        yield Place("Valkey Cluster", stores, _Primaries(made))
    finally:
        made.remove()


@asynccontextmanager
async def mixed(_: Path) -> AsyncIterator[Place]:
    """Keep records in PostgreSQL and counts in Valkey, which is what is broken."""
    with own_server() as records:
        server = await asyncio.to_thread(Server, *DURABLE)
        try:
            async with open_wire("127.0.0.1", server.port) as wire:
                ledger = f"valkey://127.0.0.1:{wire.port}"
                stores = {"records": records.url, "ledger": ledger, "kv": ledger}
                yield Place("Postgres + Valkey", stores, server, wire)
        finally:
            server.remove()


def places() -> dict[str, OpenPlace]:
    """Return every place by the word that chooses it."""
    return {
        "sqlite": sqlite,
        "postgres": postgres,
        "valkey": valkey,
        "cluster": cluster,
        "mixed": mixed,
    }

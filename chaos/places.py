"""Places: what the nodes keep everything in, and what can be done to it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from tests.servers.postgres import own_server
from tests.servers.valkey import DURABLE, Cluster, Server

from chaos.breakable import Postgres, Primaries, Wires
from chaos.conditions import SQLITE_FILE, Disk, PostgresDisk, SqliteDisk, small_disk
from dream_gateway.testing import open_wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from chaos.breakable import Breakable, Network

    OpenPlace = Callable[[Path], AbstractAsyncContextManager["Place"]]


DISK_MEGABYTES = 32
POSTGRES_MEGABYTES = 160


class Place:
    """Stores that run. What is `None` is not there to be broken."""

    def __init__(
        self,
        name: str,
        stores: Mapping[str, str],
        server: Breakable | None = None,
        wire: Network | None = None,
        disk: Disk | None = None,
    ) -> None:
        self.name = name
        self.stores = stores
        self.server = server
        self.wire = wire
        self.disk = disk


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Place]:
    """One file on one machine: every node is a process of it."""
    with small_disk(folder / "disk", DISK_MEGABYTES, SqliteDisk) as disk:
        place = folder if disk is None else disk.folder
        yield Place("SQLite", {"store": f"sqlite:///{place}/{SQLITE_FILE}"}, disk=disk)


@asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[Place]:
    """One PostgreSQL server for everything, over a wire."""
    with (
        small_disk(folder / "disk", POSTGRES_MEGABYTES, PostgresDisk) as disk,
        own_server(folder=None if disk is None else disk.folder) as server,
    ):
        if disk is not None:
            disk.url = server.url
        async with open_wire("127.0.0.1", server.port) as wire:
            url = server.url.replace(f":{server.port}/", f":{wire.port}/")
            yield Place("Postgres", {"store": url}, Postgres(server), wire, disk)


@asynccontextmanager
async def valkey(folder: Path) -> AsyncIterator[Place]:
    """One Valkey that syncs every write, over a wire, for the ledger; the records in a file."""
    with small_disk(folder / "disk", DISK_MEGABYTES, Disk) as disk:
        where = None if disk is None else disk.folder
        server = await asyncio.to_thread(Server, *DURABLE, folder=where)
        try:
            async with open_wire("127.0.0.1", server.port) as wire:
                stores = {"store": f"sqlite:///{folder}/dream.db"}
                stores |= dict.fromkeys(("ledger", "kv"), f"valkey://127.0.0.1:{wire.port}")
                yield Place("Valkey", stores, server, wire, disk)
        finally:
            server.remove()


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Place]:
    """Run a Valkey Cluster of three primaries, all of which are broken at once."""
    with small_disk(folder / "disk", DISK_MEGABYTES, Disk) as disk:
        where = None if disk is None else disk.folder
        made = await asyncio.to_thread(Cluster, folder=where)
        try:
            async with AsyncExitStack() as stack:
                wires = [
                    await stack.enter_async_context(open_wire("127.0.0.1", server.port))
                    for server in made.servers
                ]
                made.announce([wire.port for wire in wires])
                stores = {"store": f"sqlite:///{folder}/dream.db"}
                stores |= dict.fromkeys(("ledger", "kv"), made.url)
                primaries = Primaries(made)
                yield Place("Valkey Cluster", stores, primaries, Wires(wires), disk)
        finally:
            made.remove()


@asynccontextmanager
async def mixed(folder: Path) -> AsyncIterator[Place]:
    """Keep records in PostgreSQL and counts in Valkey, which is what is broken."""
    with own_server() as records:
        async with valkey(folder) as counts:
            stores = {**counts.stores, "store": records.url}
            yield Place("Postgres + Valkey", stores, counts.server, counts.wire, counts.disk)


def places() -> dict[str, OpenPlace]:
    """Return every place by the word that chooses it."""
    return {
        "sqlite": sqlite,
        "postgres": postgres,
        "valkey": valkey,
        "cluster": cluster,
        "mixed": mixed,
    }

"""What can be broken: a store's own processes, and the network in between."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.servers.postgres import PostgresServer
    from tests.servers.valkey import Cluster

    from dream_gateway.testing import Wire


class Breakable(Protocol):
    """A store's own processes. The verbs block until it is done."""

    @property
    def is_dead(self) -> bool:
        """Whether any of them has ended by itself."""
        ...

    def kill(self) -> None:
        """Kill them, as a power loss of their machine would, but for what the kernel has."""
        ...

    def start(self) -> None:
        """Start those that do not run on what they left."""
        ...

    def pause(self) -> None:
        """Let them stand still."""
        ...

    def resume(self) -> None:
        """Let them go on."""
        ...


class Network(Protocol):
    """What is between the nodes and a store."""

    async def cut(self) -> None:
        """Reset every connection, and refuse new ones."""
        ...

    def stall(self) -> None:
        """Keep connections, accept new ones, and pass nothing on."""
        ...

    def lose_answers(self) -> None:
        """Pass on what clients say, and drop what the store answers."""
        ...

    async def heal(self) -> None:
        """Be whole again."""
        ...


class Postgres:
    """A PostgreSQL server, as something to be broken."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    @property
    def is_dead(self) -> bool:
        return self._server.is_dead

    def kill(self) -> None:
        self._server.stop(signal.SIGKILL)

    def start(self) -> None:
        self._server.start()

    def pause(self) -> None:
        self._server.pause()

    def resume(self) -> None:
        self._server.resume()


class Primaries:
    """All primaries of a cluster, as something to be broken."""

    def __init__(self, made: Cluster) -> None:
        self._servers = made.servers

    @property
    def is_dead(self) -> bool:
        return any(server.is_dead for server in self._servers)

    def kill(self) -> None:
        for server in self._servers:
            server.kill()

    def start(self) -> None:
        for server in self._servers:
            if server.is_dead:
                server.start()

    def pause(self) -> None:
        for server in self._servers:
            server.pause()

    def resume(self) -> None:
        for server in self._servers:
            server.resume()


class Wires:
    """The wires to several servers, which share their fate."""

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._wires = wires

    async def cut(self) -> None:
        for wire in self._wires:
            await wire.cut()

    def stall(self) -> None:
        for wire in self._wires:
            wire.stall()

    def lose_answers(self) -> None:
        for wire in self._wires:
            wire.lose_answers()

    async def heal(self) -> None:
        for wire in self._wires:
            await wire.heal()

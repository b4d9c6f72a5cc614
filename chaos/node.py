"""Nodes: gateways as on machines of their own, each with its own folder of journals."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.servers.gateway import Installation, Served, installation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TRACEBACK = re.compile(r"^Traceback .*\n(?:[ \n].*\n?)*(.*)", re.MULTILINE)
LEASE_SECONDS = 0.5
"""Small leases, so that a short trial asks the ledger often."""


@dataclass(eq=False)
class Node:
    """One node. `stores` are the settings that say where everything is kept."""

    folder: Path
    stores: Mapping[str, Any]
    workers: int
    environ: Mapping[str, str] = field(default_factory=dict)
    edge: str = ""
    service: str = ""
    served: Served | None = None

    def install(self) -> Installation:
        """Write its settings."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return installation(
            self.folder,
            environ=self.environ,
            **self.stores,
            workers=self.workers,
            port=_port(self.edge),
            service_port=_port(self.service),
            lease_seconds=LEASE_SECONDS,
        )

    async def start(self) -> None:
        """Start it, at the ports it had before, and wait until it accepts. Raises `RuntimeError`."""
        self.served = await asyncio.to_thread(self.install().start)
        self.edge, self.service = self.served.edge, self.served.service

    async def stop(self) -> int:
        """Drain it; return its exit code."""
        return 0 if self.served is None else await asyncio.to_thread(self.served.stop)

    async def kill(self) -> None:
        """Kill all its processes at once, as a machine that loses its power would."""
        assert self.served is not None
        await asyncio.to_thread(self.served.kill)

    def kill_worker(self) -> None:
        """Kill one of its workers."""
        for pid in self.worker_pids()[:1]:
            _send(pid, signal.SIGKILL)

    def reload(self) -> None:
        """Have it read its settings again."""
        _send(self._supervisor(), signal.SIGHUP)

    def log(self) -> str:
        """Return what it has logged."""
        return (self.folder / "log").read_text()

    def worker_pids(self) -> list[int]:
        """Return the process ids of its workers."""
        return [] if self.served is None else self.served.worker_pids()

    def raised(self) -> list[str]:
        """Return the last lines of the tracebacks in its log: what nobody had thought of."""
        text = self.log()
        return [found[1] for found in TRACEBACK.finditer(text)]

    async def command(self, *words: str) -> dict[str, str]:
        """Run one command of the command line on its stores; return its answer."""
        place = Installation(self.folder, environ=self.environ)
        found: dict[str, str] = await asyncio.to_thread(place.command, *words)
        return found

    def _supervisor(self) -> int:
        assert self.served is not None
        return self.served.process.pid


def _port(url: str) -> int:
    return int(url.rpartition(":")[2] or 0)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it was faster

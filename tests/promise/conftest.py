"""A real gateway, supervisor and workers and all, on SQLite, with a plain upstream behind it."""

from __future__ import annotations

import asyncio
import os
import select
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.servers.gateway import Installation, Served, installation
from tests.waiting import PATIENCE_SECONDS, eventually

from dream_gateway.administration import open_administration
from dream_gateway.gateway import Gateway
from dream_gateway.model import Mode
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Upstream:
    """Counts the requests that reach it; those for `/fail` it answers with 500."""

    port: int = 0
    hits: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.hits += 1
                status = b"500 Failed" if head.startswith(b"GET /fail") else b"200 OK"
                writer.write(b"HTTP/1.1 %b\r\nContent-Length: 2\r\n\r\nok" % status)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass
class Running:
    """A gateway under test, and the commands that steer it."""

    folder: Path
    upstream: Upstream
    edge: str = ""
    service: str = ""
    served: Served | None = None
    platform: dict[str, str] = field(default_factory=dict)

    def cli(self, *words: str) -> Any:
        """Run one command on the store and return what it prints."""
        return Installation(self.folder).command(*words)

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder}/dream.db"

    def start(self, workers: int, **settings: Any) -> None:
        """Start the gateway and wait until it says where it listens."""
        upstream = f"http://127.0.0.1:{self.upstream.port}"
        own: dict[str, Any] = {
            "store": self.store,
            "workers": workers,
            "upstream": upstream,
            **settings,
        }
        self.served = installation(self.folder, **own).start()
        self.edge, self.service = self.served.edge, self.served.service

    def stop(self) -> int:
        """Drain the gateway and return its exit code."""
        assert self.served is not None
        return self.served.stop()

    async def kill_a_worker(self) -> None:
        """Kill a worker that serves, as `kill -9` does, and see it dead; wait for one if need be."""

        def serving() -> list[int]:
            assert self.served is not None
            return [pid for pid in self.served.worker_pids() if _has_journal(pid)]

        dying = os.pidfd_open((await eventually(serving, "serves a worker"))[0])
        signal.pidfd_send_signal(dying, signal.SIGKILL)
        select.select([dying], [], [], PATIENCE_SECONDS)
        os.close(dying)

    async def furnish(self, limit: int) -> str:
        """Make a platform with one customer, `ada`, on a tier of so many units; return their key."""
        async with open_administration(Settings(store=self.store)) as admin:
            tiers = [parse_tier(f"free={limit}/month")]
            made = await admin.create_platform("shop", Mode.TEST, tiers, ())
            self.platform = {"projectId": made.project.id, "secretKey": made.secret_key}
            await admin.create_customer(made.project.id, "ada", "free")
            return (await admin.create_key(made.project.id, "ada")).secret

    async def used(self, customer: str) -> int:
        """Return a customer's usage as the ledger has it."""
        settings = Settings(store=self.store)
        async with open_administration(settings) as admin:
            project = await admin.project(self.platform["projectId"])
        gateway = Gateway(settings)
        try:
            await gateway.start()
            usage = (await gateway.admission.usage(project, customer)).usage
        finally:
            await gateway.close()
        assert usage is not None
        return usage.used


def _has_journal(pid: int) -> bool:
    """Return whether a process has its lease journal: from then on it may have leases."""
    try:
        return ".journal" in Path(f"/proc/{pid}/maps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
async def running(database: Path) -> AsyncIterator[Running]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    upstream.port = server.sockets[0].getsockname()[1]
    gateway = Running(database.parent, upstream)
    yield gateway
    if gateway.served is not None:
        await asyncio.to_thread(gateway.stop)
    server.close()

"""A real gateway, supervisor and workers and all, on SQLite, with a plain upstream behind it."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.servers.ports import free_port

from dream_gateway.administration import open_administration
from dream_gateway.gateway import Gateway
from dream_gateway.model import Mode
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START_SECONDS = 30


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
    process: subprocess.Popen[bytes] | None = None
    platform: dict[str, str] = field(default_factory=dict)

    def cli(self, *words: str) -> dict[str, object]:
        """Run one command on the store and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "dream_gateway", *words, "--json", "--store", self.store],
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return found

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder}/dream.db"

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    def start(self, workers: int) -> None:
        """Start the gateway and wait until it says where it listens."""
        command = [sys.executable, "-m", "dream_gateway", "serve", "--json"]
        command += ["--store", self.store, "--workers", str(workers), "--port", str(free_port())]
        command += ["--service-port", str(free_port())]
        command += ["--upstream", f"http://127.0.0.1:{self.upstream.port}"]
        if self.config.exists():
            command += ["--config", str(self.config)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.edge, self.service = ready["edge"], ready["service"]

    def stop(self) -> int:
        """Drain the gateway and return its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(START_SECONDS)

    def workers(self) -> list[int]:
        """Return the pids of the workers."""
        assert self.process is not None
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in Path(path).read_text().split()]

    async def kill_a_worker(self) -> None:
        """Kill a worker that serves, as `kill -9` does, and see it dead; wait for one if need be."""
        while not (serving := [pid for pid in self.workers() if _has_journal(pid)]):  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.01)
        dying = os.pidfd_open(serving[0])
        signal.pidfd_send_signal(dying, signal.SIGKILL)
        select.select([dying], [], [], START_SECONDS)
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
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    upstream.port = server.sockets[0].getsockname()[1]
    gateway = Running(tmp_path, upstream)
    yield gateway
    if gateway.process is not None and gateway.process.poll() is None:
        await asyncio.to_thread(gateway.stop)
    server.close()

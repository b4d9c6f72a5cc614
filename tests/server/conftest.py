"""A supervisor with real worker processes, and an upstream whose answers the test decides on."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from tests.server.receiving import received
from tests.waiting import PATIENCE_SECONDS, eventually

from dream_gateway.administration import open_administration
from dream_gateway.model import Allowance, AllowanceKind, Interval, Mode, Tier
from dream_gateway.server.supervisor import Supervisor
from dream_gateway.settings import RouteSettings, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.server.receiving import Receiver

    from dream_gateway.server.listeners import Addresses

FREE = Tier("free", (Allowance(AllowanceKind.QUOTA, 1_000_000, Interval.MONTH),))


@dataclass
class Running:
    """A supervisor that runs, where it listens, and what it reported."""

    supervisor: Supervisor
    task: asyncio.Task[None]
    addresses: Addresses
    events: list[str]

    async def replaced(self, pid: int) -> int:
        """Return the process id of the worker that took the place of another."""
        pids = await eventually(
            lambda: self.supervisor.worker_pids,
            f"replaced {pid}",
            holds=lambda pids: pids and pid not in pids,
        )
        return pids[0]

    async def told(self, number: int) -> str:
        """Return the event of that number once it is there."""
        await eventually(lambda: len(self.events) > number, f"told {number + 1} events")
        return self.events[number]


@dataclass
class Upstream:
    """A server that answers each request once it is told to; with `heads_first`, but for the head."""

    url: str = ""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Event = field(default_factory=asyncio.Event)
    heads_first: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, and answer it when the test says so."""
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
        if self.heads_first:
            writer.write(head)
        self.reached.set()
        await self.answer.wait()
        writer.write(b"done" if self.heads_first else head + b"done")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    api = Upstream()
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield api
    api.answer.set()
    server.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with received() as receiver:
        yield receiver


@pytest.fixture
def settings(tmp_path: Path, migrated: Path, upstream: Upstream) -> Settings:
    """Settings with free ports, one worker, and a route that needs no key."""
    shutil.copy(migrated, tmp_path / "dream.db")
    return Settings(
        store=f"sqlite:///{tmp_path / 'dream.db'}",
        port=0,
        service_port=0,
        drain_seconds=20.0,
        routes=(RouteSettings(upstreams=(upstream.url,), public=True),),
    )


@pytest.fixture
def supervise() -> Callable[..., AbstractAsyncContextManager[Running]]:
    """Return a context manager that runs a supervisor and ends it."""
    return _supervise


@contextlib.asynccontextmanager
async def _supervise(
    settings: Settings, reread: Callable[[], Settings] | None = None
) -> AsyncIterator[Running]:
    ready: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    events: list[str] = []
    supervisor = Supervisor(
        settings, on_ready=ready.set_result, on_event=events.append, reread=reread
    )
    task = asyncio.create_task(supervisor.run())
    try:
        await asyncio.wait((task, ready), timeout=PATIENCE_SECONDS, return_when="FIRST_COMPLETED")
        if task.done():
            task.result()
        yield Running(supervisor, task, ready.result(), events)
    finally:
        supervisor.stop()
        supervisor.stop()
        with contextlib.suppress(Exception):
            await task


async def customer_key(settings: Settings) -> str:
    """Return the key of a customer with a large quota."""
    async with open_administration(settings) as admin:
        made = await admin.create_platform("One", Mode.TEST, [FREE], ())
        await admin.create_customer(made.project.id, "ada", "free")
        return (await admin.create_key(made.project.id, "ada")).secret

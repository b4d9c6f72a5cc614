"""A real receiver of webhooks on loopback, and a project whose messages it gets."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from standardwebhooks.webhooks import Webhook
from starlette.requests import Request
from starlette.responses import Response
from tests.servers.postgres import Schemas
from tests.waiting import eventually

from dream_gateway import keys
from dream_gateway.administration import Administration
from dream_gateway.encryption_keys import mint_key
from dream_gateway.model import Customer, Mode
from dream_gateway.notices import signing
from dream_gateway.notices.addresses import networks
from dream_gateway.notices.dispatcher import Dispatcher
from dream_gateway.notices.sending import Sender
from dream_gateway.plugins import open_backend
from dream_gateway.records import customers, message_log, webhook_endpoints
from dream_gateway.records.database import Records
from dream_gateway.records.message_log import Message, Wanted
from dream_gateway.records.migrate import migrate
from dream_gateway.records.webhook_endpoints import Endpoint
from dream_gateway.testing import FakeClock
from dream_gateway.tierspec import parse_tier
from dream_gateway.vault import Vault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from dream_gateway.model import Project
    from dream_gateway.records.database import Writer

LOOPBACK = networks(("127.0.0.0/8", "::1/128"))


@dataclass
class Received:
    """One request: its fields and its body's bytes."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> dict[str, Any]:
        """Return the message, by the word of the reference library."""
        found: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return found


@dataclass
class Receiver:
    """An HTTP server that keeps what it gets; `answer` is what it answers next, and after that."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[Received] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        path = request.url.path
        self.seen.append(Received(path, dict(request.headers), body))
        await Response(status_code=self.status, headers=self.headers)(scope, receive, send)

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.seen]


@asynccontextmanager
async def served(app: Any, **more: Any) -> AsyncIterator[int]:
    """Serve an ASGI application on loopback; yield its port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", lifespan="off", **more)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually(lambda: server.started, "started")
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    async with served(made) as port:
        made.url = f"http://127.0.0.1:{port}/hooks"
        yield made


@pytest.fixture
def clock() -> FakeClock:
    """A clock that begins now: the library that verifies reads the time of day."""
    return FakeClock(now=time.time())


@dataclass
class Shop:
    """A project, and what sends its messages."""

    records: Records
    clock: FakeClock
    vault: Vault
    project: Project

    async def endpoint(self, url: str, *types: str, **more: Any) -> tuple[Endpoint, str]:
        """Create an endpoint; return it and its secret."""
        async with self.records.write("test") as writer:
            return await self.endpoint_in(writer, url, *types, **more)

    async def endpoint_in(
        self, writer: Writer, url: str, *types: str, **more: Any
    ) -> tuple[Endpoint, str]:
        """Create an endpoint in a transaction."""
        secret = signing.mint()
        blank = Endpoint(keys.mint_id("whe"), self.project.id, url, b"", writer.now)
        endpoint = signing.sealed(self.vault, replace(blank, types=types, **more), secret)
        await webhook_endpoints.add(writer, endpoint)
        return endpoint, secret

    async def customer(self, name: str = "ada") -> Customer:
        """Create a customer, which is told."""
        now = self.clock.now()
        made = Customer(keys.mint_id("cus"), self.project.id, name, "free", now, now)
        async with self.records.write("test") as writer:
            await customers.add(writer, made)
        return made

    async def messages(self, **wanted: Any) -> list[Message]:
        """Return what was told, oldest first."""
        async with self.records.read() as connection:
            found = await message_log.page(
                connection, self.project.id, Wanted(**wanted), None, 1_000
            )
        return found[::-1]

    async def found(self, endpoint: Endpoint) -> Endpoint:
        """Return an endpoint as it is now."""
        async with self.records.read() as connection:
            there = await webhook_endpoints.by_id(connection, self.project.id, endpoint.id)
        assert there is not None
        return there

    def dispatcher(self, sender: Sender | None = None) -> Dispatcher:
        """Return another worker's."""
        # Reading the authorities' certificates takes longer than a test, and nothing here is TLS.
        sender = sender or Sender(LOOPBACK, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        return Dispatcher(self.records, self.vault, sender, self.clock, random=lambda: 0.0)


@asynccontextmanager
async def opened(store: str, clock: FakeClock, encryption_key: str) -> AsyncIterator[Shop]:
    """Open a store with a project in it."""
    backend = open_backend(store, clock)
    await backend.start()
    try:
        await migrate(backend.records_engine())
        records = Records(backend.records_engine(), clock, backend.feed())
        made = await Administration(records).create_platform(
            "shop", Mode.TEST, [parse_tier("free=100/month")], []
        )
        yield Shop(records, clock, Vault([encryption_key]), made.project)
    finally:
        await backend.close()


@pytest.fixture
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, migrated: Path
) -> AsyncIterator[str]:
    """The URL of a store: an SQLite file, or a schema where a test is `on_both`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield f"sqlite:///{shutil.copy(migrated, tmp_path / 'dream.db')}"
        return
    made = Schemas(request.getfixturevalue("postgres_server"))
    yield await made.new()
    await made.drop()


on_both = pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
"""Runs a test on each engine: where it is about transactions that race, or a query of its own."""


@pytest.fixture
async def shop(store: str, clock: FakeClock) -> AsyncIterator[Shop]:
    async with opened(store, clock, mint_key()) as made:
        yield made


@pytest.fixture
async def dispatcher(shop: Shop) -> AsyncIterator[Dispatcher]:
    made = shop.dispatcher()
    yield made
    await made.aclose()


async def drained(dispatcher: Dispatcher) -> int:
    """Send all that is due; return how many attempts that took."""
    attempts = 0
    while sent := await dispatcher.turn():
        attempts += sent
        await dispatcher.settled()
    return attempts

"""Real servers on loopback: raw upstreams, ASGI applications, and the edge in front of them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from tests.edge.stand_in import StandInAdmission
from tests.servers.tls import reached
from tests.waiting import eventually

from dream_gateway.edge.app import Edge
from dream_gateway.edge.http_upstream import HttpUpstream
from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.protocol import EdgeProtocols
from dream_gateway.edge.routes import Route, RouteTable
from dream_gateway.http1.secured import SecuredProtocols
from dream_gateway.http1.watch import Watch

if TYPE_CHECKING:
    from tests.servers.tls import Authority

    from dream_gateway.http1.watch import Patience


RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def admission() -> StandInAdmission:
    return StandInAdmission()


@pytest.fixture
def key(admission: StandInAdmission) -> str:
    """A key that the admission admits; the end-to-end tests bring their own."""
    return admission.key_secret


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Serve an ASGI application by uvicorn; returns `http://host:port`."""
    running: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []

    async def start(app: Any, **settings: Any) -> str:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            **{
                "lifespan": "off",
                "log_config": None,
                "access_log": False,
                "server_header": False,
                "date_header": False,
                "proxy_headers": False,
                "ws": "websockets-sansio",
                "timeout_graceful_shutdown": 1,
                **settings,
            },
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        running.append((server, task))
        await eventually(lambda: server.started, "started")
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    yield start
    for server, task in reversed(running):
        server.should_exit = True
        await task


@pytest.fixture
async def raw_upstream() -> AsyncIterator[Callable[[RawHandler], Awaitable[str]]]:
    """Serve bytes as they are: the handler does with a connection what it likes."""
    servers: list[asyncio.Server] = []
    tasks: set[asyncio.Task[None]] = set()

    async def start(handler: RawHandler) -> str:
        async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                return
            finally:
                tasks.discard(task)
                writer.close()

        server = await asyncio.start_server(guarded, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
    for task in tuple(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(params=["asgi", "protocol", "express", pytest.param("tls", marks=pytest.mark.long)])
def kind(request: pytest.FixtureRequest, admission: StandInAdmission) -> str:
    """Which of the two edges is tested; the express is the protocol with its shortcuts open.

    So is that below TLS, which is taken off before the tests' clients.
    """
    admission.plain = request.param in {"express", "tls"}
    return str(request.param)


@pytest.fixture
async def edge(
    kind: str,
    serve: Callable[..., Awaitable[str]],
    admission: StandInAdmission,
    authority: Authority,
) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Serve the edge in front of upstreams, by either way there is; returns its URL."""
    clients: list[HttpUpstream] = []

    async def start(
        *upstreams: str,
        routes: list[Route] | None = None,
        options: EdgeOptions | None = None,
        client: HttpUpstream | None = None,
        settings: dict[str, Any] | None = None,
        patience: Patience | None = None,
        **route: Any,
    ) -> str:
        client = client or HttpUpstream()
        clients.append(client)
        table = RouteTable(routes or [Route(upstreams=upstreams, **route)])
        if patience is not None:
            options = replace(options or EdgeOptions(), patience=patience)
        app = Edge(admission=admission, routes=table, upstream=client, options=options)
        more = dict(settings or {})
        watch = Watch(patience)
        if kind != "asgi":
            more["http"] = EdgeProtocols(app.front, client.origins, watch)
        if kind != "tls":
            return await serve(app, **more)
        context = authority.context("127.0.0.1")
        more["http"] = SecuredProtocols(more["http"], context, watch)
        port = int((await serve(app, **more)).rpartition(":")[2])
        plain = await fronts.enter_async_context(reached(port, authority.client()))
        return f"http://127.0.0.1:{plain}"

    async with AsyncExitStack() as fronts:
        yield start
    for client in clients:
        await client.close()


@pytest.fixture
async def http(key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that sends the key."""
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, timeout=20, trust_env=False) as client:
        yield client


@dataclass
class Heard:
    """What a raw upstream heard: heads and bodies, one per request."""

    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The last request's fields."""
        lines = self.heads[-1].decode("latin-1").split("\r\n")[1:-2]
        return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]

    def get(self, name: str) -> list[str]:
        return [v for n, v in self.fields if n == name]


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def listening(
    raw_upstream: Callable[[RawHandler], Awaitable[str]], heard: Heard
) -> Callable[..., Awaitable[str]]:
    """Serve the same answer to every request, and note what was asked."""

    async def start(answer: bytes = OK) -> str:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.connections += 1
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                heard.heads.append(head)
                heard.bodies.append(await _body(reader, head))
                writer.write(answer)
                await writer.drain()

        return await raw_upstream(handler)

    return start


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.partition(b":")[2]))
        if line.startswith(b"transfer-encoding:"):
            return await _chunks(reader)
    return b""


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readline()
    return body

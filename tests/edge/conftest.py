"""Real servers on loopback: raw upstreams, ASGI applications, and the edge in front of them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from tests.servers.tls import Authority, reached
from tests.waiting import eventually

from dream_gateway.counter import Counter
from dream_gateway.counts import Counts
from dream_gateway.edge.app import Edge
from dream_gateway.edge.http_upstream import HttpUpstream
from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.protocol import EdgeProtocols
from dream_gateway.edge.routes import Route, RouteTable
from dream_gateway.http1.secured import SecuredProtocols
from dream_gateway.http1.watch import Watch
from dream_gateway.model import (
    Credential,
    Customer,
    KeyKind,
    Mode,
    Period,
    PolicyState,
    Project,
    Tier,
    Usage,
    Verdict,
)
from dream_gateway.storage import Quota
from dream_gateway.subjects import Subject
from dream_gateway.waiting import Denial, Pending, Waiter

if TYPE_CHECKING:
    from dream_gateway.http1.watch import Patience

KEY = "ak_test_" + "a" * 36
RESET = 1234

RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class StandInCaller:
    """Leaves everything to `try_key`, unless plain requests are decided in memory."""

    admission: StandInAdmission
    digest: bytes

    def find(self, now: float, clock: float) -> Subject | None:
        known = self.digest == sha256(self.admission.key_secret.encode()).digest()
        it = self.admission
        return it.subject if it.plain and known and it.warm else None


@dataclass
class StandInAdmission:
    """One key with a quota, decided in memory: what the edge sees of the real admission."""

    key_secret: str = KEY
    limit: int = 1000
    used: int = 0
    warm: bool = True
    rate_limited: bool = False
    failure: Exception | None = None
    external_id: str = "cust-1"
    refunds: int = 0
    plain: bool = False
    waits: bool = False
    counts: Counts = field(default_factory=Counts)
    waiting: list[Pending] = field(default_factory=list)
    asked: list[tuple[str, int, tuple[str, ...], str | None]] = field(default_factory=list)
    beside: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        period = Period(RESET - 2592000, RESET)
        quota = Counter("cus_1/quota", "quota", Quota(self.limit, RESET), period)
        self.subject = Subject(
            Project("prj_1", "plt_1", "p", Mode.TEST, "free"),
            Customer("cus_1", "prj_1", self.external_id, "free", 0.0, 0.0),
            Tier("free", ()),
            Credential("key_1", KeyKind.CUSTOMER, "prj_1", "ak", "aaaa", 0.0),
            (quota,),
            quota,
            since=0.0,
            until=RESET,
        )

    def now(self) -> float:
        return 0.8

    def monotonic(self) -> float:
        return 0.8

    def by_key(self, digest: bytes) -> StandInCaller:
        return StandInCaller(self, digest)

    def try_spend(self, counters: Sequence[Counter], cost: int, now: float) -> bool:
        del now
        if self.failure or self.rate_limited or self.waits or self.used >= self.limit:
            return False
        self.used += cost
        counters[0].available = self.limit - self.used
        return True

    def enqueue(self, counters: Sequence[Counter], cost: int, waiter: Waiter) -> Pending:
        """Decide at once, or, if `waits`, by `decide`."""
        pending = Pending(counters, cost, waiter)
        self.waiting.append(pending)
        if not self.waits:
            self.decide()
        return pending

    def decide(self) -> None:
        """Decide for all who wait."""
        self.waits = False
        waiting, self.waiting = self.waiting, []
        for pending in waiting:
            if pending.is_over():
                continue
            if self.try_spend(pending.counters, pending.cost, self.monotonic()):
                pending.charge()
            else:
                pending.deny(Denial(self.subject.counters[0], None))

    def try_key(
        self,
        secret: str,
        cost: int,
        scopes: tuple[str, ...] = (),
        ip: str | None = None,
        *,
        publishable: str | None = None,
    ) -> Verdict | None:
        self.beside.append(publishable)
        return self._decide(secret, cost, scopes, ip) if self.warm else None

    async def key(
        self,
        secret: str,
        cost: int,
        scopes: tuple[str, ...] = (),
        ip: str | None = None,
        *,
        publishable: str | None = None,
    ) -> Verdict:
        await asyncio.sleep(0)
        return self._decide(secret, cost, scopes, ip)

    def refund(self, verdict: Verdict) -> None:
        self.refunds += 1
        self.used -= verdict.cost

    def _decide(self, secret: str, cost: int, scopes: tuple[str, ...], ip: str | None) -> Verdict:
        self.asked.append((secret, cost, scopes, ip))
        if self.failure is not None:
            raise self.failure
        if secret != self.key_secret:
            return Verdict(False, "invalid_credential", cost)
        if "admin" in scopes:
            return Verdict(False, "insufficient_scope", cost)
        fits = self.used + cost <= self.limit
        code = "allowed" if fits and not self.rate_limited else "quota_exceeded"
        if self.rate_limited:
            code = "rate_limited"
        if code == "allowed":
            self.used += cost
        state = PolicyState("quota", self.limit, 2592000, self.limit - self.used, 1233.2)
        return Verdict(
            code == "allowed",
            code,
            cost,
            project=Project("prj_1", "plt_1", "p", Mode.TEST, "free"),
            customer=Customer("cus_1", "prj_1", self.external_id, "free", 0.0, 0.0),
            usage=Usage(self.used, self.limit, Period(0, 2592000)),
            policies=(state,),
            violated=None if code == "allowed" else state,
            retry_after=None if code == "allowed" else 2.1,
        )


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signed the certificate of the edge."""
    return Authority(tmp_path_factory.mktemp("authority"))


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

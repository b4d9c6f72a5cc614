"""What a request costs from the bytes that came to the bytes that go, without the sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.servers.protocols import State

from dream_gateway.edge.front import Front
from dream_gateway.edge.link import Link
from dream_gateway.edge.origin import parse_origin
from dream_gateway.edge.origins import Origins
from dream_gateway.edge.pool import Pool
from dream_gateway.edge.protocol import EdgeProtocols
from dream_gateway.edge.routes import Route, RouteTable
from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service
from dream_gateway.service.protocol import ServiceProtocols

if TYPE_CHECKING:
    from conftest import Warm  # type: ignore[import-not-found] # pytest's own, beside this file
    from pytest_benchmark.fixture import BenchmarkFixture

UPSTREAM = "http://127.0.0.1:3000"
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024
)


class Sink(asyncio.Transport):
    """A transport that keeps the last write."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.last = b""

    def write(self, data: Any) -> None:
        self.last = data

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def test_forward_auth(benchmark: BenchmarkFixture, warm: Warm) -> None:
    front = Front(warm.gateway.admission, RouteTable([]))
    request = ask(b"GET /authorize", f"Authorization: Bearer {warm.key}")
    run(benchmark, warm, EdgeProtocols(front, Origins()), request)


def test_charge(benchmark: BenchmarkFixture, warm: Warm) -> None:
    protocols = ServiceProtocols(create_service(ServiceHost(warm.gateway)))
    request = ask(b"POST /api/data", f"Authorization: Bearer {warm.secret_key}", "X-User-Id: ada")
    run(benchmark, warm, protocols, request)


def test_relay(benchmark: BenchmarkFixture, warm: Warm) -> None:
    front = Front(warm.gateway.admission, RouteTable([Route(upstreams=(UPSTREAM,))]))
    origins = Origins()

    async def prepare() -> tuple[Any, Sink, Link]:
        pool = origins._pools[UPSTREAM] = Pool(parse_origin(UPSTREAM), None)
        link = Link(asyncio.get_running_loop(), lambda _: None)
        link.connection_made(Sink())
        pool._idle.append(link)
        client, sink = EdgeProtocols(front, origins)(None, State(), None), Sink()
        client.connection_made(sink)
        return client, sink, link

    made: tuple[Any, Sink, Link] = warm.loop.run_until_complete(prepare())
    client, sink, link = made
    request = ask(b"GET /things", f"Authorization: Bearer {warm.key}")

    def exchange() -> bytes:
        client.data_received(request)
        link.data_received(ANSWER)
        return sink.last

    assert benchmark(exchange).startswith(b"HTTP/1.1 200")


def run(benchmark: BenchmarkFixture, warm: Warm, protocols: Any, request: bytes) -> None:
    async def prepare() -> tuple[Any, Sink]:
        client, sink = protocols(None, State(), None), Sink()
        client.connection_made(sink)
        return client, sink

    made: tuple[Any, Sink] = warm.loop.run_until_complete(prepare())
    client, sink = made

    def exchange() -> bytes:
        client.data_received(request)
        return sink.last

    assert benchmark(exchange).startswith(b"HTTP/1.1 200")


def ask(first: bytes, *fields: str) -> bytes:
    lines = [first + b" HTTP/1.1", b"Host: 127.0.0.1:8080", *(f.encode() for f in fields)]
    return b"\r\n".join(lines) + b"\r\n\r\n"

"""WebSockets through the edge: admission, both directions, closing, refusals."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.waiting import PATIENCE_SECONDS
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close

from dream_gateway.edge.app import Edge
from dream_gateway.edge.http_upstream import HttpUpstream
from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.routes import Route, RouteTable

Serve = Callable[..., Awaitable[str]]


@pytest.fixture
async def websocket_upstream() -> AsyncIterator[Any]:
    """Serve WebSockets by the `websockets` library; returns `http://host:port`."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(handler: Any, **settings: Any) -> Any:
            server = await stack.enter_async_context(
                serve_websocket(handler, "127.0.0.1", 0, **settings)
            )
            return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        yield start


async def echo(socket: Any) -> None:
    async for message in socket:
        await socket.send(message)


def to(base: str, key: str, path: str = "/", **settings: Any) -> Any:
    return connect(
        base.replace("http://", "ws://") + path,
        additional_headers={"authorization": f"Bearer {key}", "x-dream-customer": "evil"},
        proxy=None,
        **settings,
    )


async def test_echo_both_ways(
    edge: Serve, websocket_upstream: Serve, key: str, admission: Any
) -> None:
    base = await edge(await websocket_upstream(echo))
    async with to(base, key) as socket:
        for message in ("text", "", "é" * 1000, b"", b"\x00\xff" * 50_000):
            await socket.send(message)
            assert await socket.recv() == message
        assert socket.response.headers["ratelimit"] == '"quota";r=999;t=1234'
    assert admission.used == 1


async def test_upstream_sees_identity_and_path(
    edge: Serve, websocket_upstream: Serve, key: str
) -> None:
    seen: dict[str, Any] = {}

    async def handler(socket: Any) -> None:
        seen.update(path=socket.request.path, headers=socket.request.headers)

    base = await edge(await websocket_upstream(handler))
    async with to(base, key, "/a%2Fb?x=%20") as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert seen["path"] == "/a%2Fb?x=%20"
    assert seen["headers"].get_all("x-dream-customer") == ["cust-1"]
    assert "authorization" not in seen["headers"]


async def test_subprotocols(edge: Serve, websocket_upstream: Serve, key: str) -> None:
    base = await edge(await websocket_upstream(echo, subprotocols=["b", "c"]))
    async with to(base, key, subprotocols=["a", "b"]) as socket:
        assert socket.subprotocol == "b"


async def test_upstream_close_code_reaches_the_client(
    edge: Serve, websocket_upstream: Serve, key: str
) -> None:
    async def handler(socket: Any) -> None:
        await socket.close(4321, "why")

    base = await edge(await websocket_upstream(handler))
    async with to(base, key) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd == Close(4321, "why")


async def test_client_close_code_reaches_the_upstream(
    edge: Serve, websocket_upstream: Serve, key: str
) -> None:
    closed = asyncio.get_running_loop().create_future()

    async def handler(socket: Any) -> None:
        await socket.wait_closed()
        closed.set_result((socket.close_code, socket.close_reason))

    base = await edge(await websocket_upstream(handler))
    async with to(base, key) as socket:
        await socket.close(4000, "bye")
    assert await asyncio.wait_for(closed, PATIENCE_SECONDS) == (4000, "bye")


@pytest.mark.parametrize(
    ("kind", "close"),
    # Bytes that are passed on unread have no place for a word of ours.
    [("asgi", Close(1014, "")), ("protocol", None)],
)
async def test_upstream_that_dies_ends_the_connection(
    edge: Serve, websocket_upstream: Serve, key: str, close: Close | None
) -> None:
    async def handler(socket: Any) -> None:
        socket.transport.abort()

    base = await edge(await websocket_upstream(handler))
    async with to(base, key) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd == close


async def test_client_that_dies_closes_the_upstream(
    edge: Serve, websocket_upstream: Serve, key: str
) -> None:
    gone = asyncio.Event()

    async def handler(socket: Any) -> None:
        await socket.wait_closed()
        gone.set()

    base = await edge(await websocket_upstream(handler))
    async with to(base, key) as socket:
        socket.transport.abort()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await gone.wait()


@pytest.mark.parametrize("kind", ["protocol"])
async def test_messages_of_any_length_pass_unread(
    edge: Serve, websocket_upstream: Serve, key: str
) -> None:
    message = "x" * 900_000
    base = await edge(await websocket_upstream(echo), options=EdgeOptions(websocket_message=1000))
    async with to(base, key) as socket:
        for _ in range(3):
            await socket.send(message)
            assert await socket.recv() == message


@pytest.mark.parametrize("kind", ["asgi"])
async def test_message_limit(edge: Serve, websocket_upstream: Serve, key: str) -> None:
    base = await edge(await websocket_upstream(echo), options=EdgeOptions(websocket_message=1000))
    async with to(base, key) as socket:
        await socket.send("x" * 1000)
        assert await socket.recv() == "x" * 1000
        await socket.send("x" * 1001)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd == Close(1009, "")


async def test_refusals_are_http_answers(
    edge: Serve, websocket_upstream: Serve, key: str, admission: Any
) -> None:
    base = await edge(await websocket_upstream(echo), cost=600)
    with pytest.raises(InvalidStatus) as refused:
        async with to(base, "ak_wrong"):
            pass
    assert refused.value.response.status_code == 401
    assert "WWW-Authenticate" in refused.value.response.headers
    async with to(base, key):
        pass
    with pytest.raises(InvalidStatus) as refused:
        async with to(base, key):
            pass
    assert refused.value.response.status_code == 429
    assert b"quota_exceeded" in refused.value.response.body
    assert admission.used == 600


async def test_upstream_refusal_is_passed_on(edge: Serve, listening: Serve, key: str) -> None:
    answer = b"HTTP/1.1 403 No\r\nx-why: because\r\ncontent-length: 4\r\n\r\nnope"
    base = await edge(await listening(answer))
    with pytest.raises(InvalidStatus) as refused:
        async with to(base, key):
            pass
    assert refused.value.response.status_code == 403
    assert refused.value.response.headers["x-why"] == "because"
    assert refused.value.response.body == b"nope"


async def test_unreachable_and_garbage(
    edge: Serve, raw_upstream: Serve, key: str, admission: Any
) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0\r\n\r\n")

    garbled = await raw_upstream(garbage)
    base = await edge(
        routes=[
            Route("/refused", ("http://127.0.0.1:1",), charge="success"),
            Route("/garbage", (garbled,), charge="success"),
        ]
    )
    for path in ("/refused", "/garbage"):
        with pytest.raises(InvalidStatus) as refused:
            async with to(base, key, path):
                pass
        assert refused.value.response.status_code == 502
    assert admission.used == 0


async def test_refused_by_close_code_where_the_server_has_no_answer(admission: Any) -> None:
    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    app = Edge(
        admission=admission,
        routes=RouteTable([Route(upstreams=("http://127.0.0.1:1",))]),
        upstream=HttpUpstream(),
    )
    scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b""}
    await app(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": ""}]

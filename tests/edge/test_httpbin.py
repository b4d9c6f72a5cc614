"""An upstream nobody here wrote answers the same through the gateway as directly."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpbin
import pytest
from tests.waiting import PATIENCE_SECONDS
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve as serve_websocket
from werkzeug.serving import WSGIRequestHandler, make_server

from dream_gateway.administration import Administration
from dream_gateway.gateway import Gateway
from dream_gateway.model import Mode
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from dream_gateway.admission import Admission

pytestmark = pytest.mark.long

Serve = Callable[..., Awaitable[str]]

# What differs between two answers to the same request, with or without a gateway.
OWN_FIELDS = {"date", "server", "connection", "x-request-id", "ratelimit", "ratelimit-policy"}
OWN_FRAMING = {"transfer-encoding", "content-length"}


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    # httpbin refuses chunked bodies from servers it does not know to decode them; this one does.
    server_version = "gunicorn/werkzeug"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 # werkzeug's name
        """Say nothing."""


@pytest.fixture(scope="module")
def direct() -> Iterator[Any]:
    """Serve httpbin by werkzeug's threads; returns `http://host:port`."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = make_server("127.0.0.1", 0, httpbin.app, threaded=True, request_handler=Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def gateway(tmp_path: Path, migrated: Path) -> AsyncIterator[Gateway]:
    store = shutil.copy(migrated, tmp_path / "dream.db")
    gateway = Gateway(Settings(store=f"sqlite:///{store}"))
    await gateway.start()
    yield gateway
    await gateway.close()


@pytest.fixture
def admission(gateway: Gateway) -> Admission:
    return gateway.admission


@pytest.fixture
async def key(gateway: Gateway) -> str:
    administration = Administration(gateway.records)
    made = await administration.create_platform(
        "shop", Mode.TEST, [parse_tier("pro=unlimited")], []
    )
    await administration.create_customer(made.project.id, "ada", None)
    return (await administration.create_key(made.project.id, "ada")).secret


@pytest.fixture
async def through(edge: Serve, direct: str) -> Any:
    return await edge(direct)


def comparable(answer: httpx.Response) -> tuple[object, ...]:
    fields = [
        (name, value)
        for name, value in answer.headers.multi_items()
        if name not in OWN_FIELDS | OWN_FRAMING
    ]
    return answer.status_code, fields, answer.content


async def same(
    http: httpx.AsyncClient, direct: str, through: str, method: Any, path: Any, **request: Any
) -> Any:
    host = {"host": direct.removeprefix("http://")}
    request.setdefault("headers", {}).update(host)
    one = await http.request(method, direct + path, **request)
    other = await http.request(method, through + path, **request)
    assert comparable(other) == comparable(one)
    return other


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[(method, f"/status/{status}") for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
          for status in (200, 204, 404, 418, 500)],
        ("GET", "/html"),
        ("HEAD", "/html"),
        ("OPTIONS", "/get"),
        ("TRACE", "/get"),
        ("GET", "/redirect-to?url=http%3A%2F%2Fexample.test%2Fa&status_code=307"),
        ("GET", "/absolute-redirect/2"),
        ("GET", "/relative-redirect/2"),
        ("GET", "/cookies/set?a=1&b=2"),
        ("GET", "/response-headers?X-Odd=a%20b&X-Odd=c"),
        ("GET", "/base64/SGVsbG8="),
        ("GET", "/bytes/70000?seed=1"),
        ("GET", "/stream-bytes/70000?seed=1&chunk_size=333"),
        ("GET", "/range/5000"),
        ("GET", "/drip?duration=0.2&numbytes=20"),
        ("HEAD", "/cache/60"),
        ("GET", "/image/png"),
        ("GET", "/encoding/utf8"),
        ("GET", "/nothing%2Fhere?%00=%ff"),
    ],
)  # fmt: skip
async def test_the_same(
    http: httpx.AsyncClient, direct: str, through: str, method: Any, path: Any
) -> None:
    await same(http, direct, through, method, path)


async def test_a_stream_of_lines_is_the_same(
    http: httpx.AsyncClient, direct: str, through: str
) -> None:
    answers = [await http.get(url + "/stream/7?x=1") for url in (direct, through)]
    one, other = ([{**json.loads(line), "headers": {}} for line in a.iter_lines()] for a in answers)
    assert [{**line, "url": ""} for line in one] == [{**line, "url": ""} for line in other]
    assert len(other) == 7


@pytest.mark.parametrize("path", ["/gzip", "/deflate", "/brotli"])
async def test_compression_is_untouched(http: httpx.AsyncClient, through: str, path: Any) -> None:
    async with http.stream("GET", through + path) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"]
    assert int(answer.headers["content-length"]) == len(raw)
    assert not raw.startswith(b"{")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("size", [0, 1, 100_000, 2_000_000])
async def test_bodies_arrive(
    http: httpx.AsyncClient, direct: str, through: str, method: Any, size: Any
) -> None:
    body = ("0123456789" * (size // 10 + 1))[:size].encode()
    one = await http.request(method, direct + "/anything?a=%20b", content=body)
    other = await http.request(method, through + "/anything?a=%20b", content=body)
    for member in ("args", "data", "files", "form", "json", "method"):
        assert other.json()[member] == one.json()[member]
    assert len(other.json()["data"]) == size


async def test_chunked_body_arrives(http: httpx.AsyncClient, direct: str, through: str) -> None:
    async def pieces() -> AsyncIterator[Any]:
        for number in range(50):
            yield b"%d," % number * 1000

    one = await http.post(direct + "/anything", content=pieces())
    other = await http.post(through + "/anything", content=pieces())
    assert other.json()["data"] == one.json()["data"] != ""


async def test_forms_and_conditions(http: httpx.AsyncClient, direct: str, through: str) -> None:
    form: dict[str, Any] = {"data": {"a": "1"}, "files": {"f": ("n.txt", b"x" * 1000)}}
    one = await http.post(direct + "/post", **form)
    other = await http.post(through + "/post", **form)
    assert (other.json()["form"], other.json()["files"]) == (
        one.json()["form"],
        one.json()["files"],
    )
    await same(http, direct, through, "HEAD", "/etag/a")
    await same(http, direct, through, "GET", "/etag/a", headers={"if-none-match": "a"})
    await same(http, direct, through, "GET", "/range/100", headers={"range": "bytes=10-19"})


async def test_a_redirect_is_followed_through_the_gateway(
    http: httpx.AsyncClient, through: str
) -> None:
    answer = await http.get(through + "/relative-redirect/3", follow_redirects=True)
    assert (answer.status_code, len(answer.history)) == (200, 3)
    assert all(str(one.url).startswith(through) for one in answer.history)


async def test_event_stream_is_not_held_back(
    serve: Serve, edge: Serve, http: httpx.AsyncClient
) -> None:
    """Each event is read before the next is allowed to be written."""
    go_on = asyncio.Event()

    async def events(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number in range(5):
            body = b"data: %d\n\n" % number
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await go_on.wait()
            go_on.clear()
        await send({"type": "http.response.body"})

    base = await edge(await serve(events))
    got = []
    async with asyncio.timeout(PATIENCE_SECONDS), http.stream("GET", base) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        async for line in answer.aiter_lines():
            if line:
                got.append(line)
                go_on.set()
    assert got == [f"data: {number}" for number in range(5)]


async def test_websocket_echo_is_the_same(edge: Serve, key: str) -> None:
    async def echo(socket: Any) -> None:
        async for message in socket:
            await socket.send(message)

    messages: list[str | bytes] = ["", "a", "é" * 5000, b"\x00" * 70_000, "last"]
    async with serve_websocket(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        base = await edge(f"http://127.0.0.1:{port}")
        answers = []
        for url in (f"ws://127.0.0.1:{port}/", base.replace("http", "ws") + "/"):
            async with connect(url, additional_headers={"x-api-key": key}, proxy=None) as socket:
                for message in messages:
                    await socket.send(message)
                answers.append([await socket.recv() for _ in messages])
    assert answers[0] == answers[1] == messages

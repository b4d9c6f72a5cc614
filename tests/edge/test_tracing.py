"""Traced requests, by the SDK itself: both edges tell the same of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id
from tests.conventions import Told, check
from tests.traces import PARENT, SAMPLED, TRACE, UNSAMPLED
from tests.waiting import PATIENCE_SECONDS, eventually
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import InvalidStatus

from dream_gateway.edge.http_upstream import HttpUpstream
from dream_gateway.edge.protocol import EdgeProtocols
from dream_gateway.edge.routes import Route, RouteTable
from dream_gateway.edge.traced_app import TracedEdge
from dream_gateway.http1.tracing import Tracing
from dream_gateway.http1.watch import Watch
from dream_gateway_otel.spans import RequestTrace

if TYPE_CHECKING:
    from dream_gateway.hookspecs import Asked

Serve = Callable[..., Awaitable[str]]
UNREADABLE = {"traceparent": f"00-{TRACE}-{PARENT}- 1", "tracestate": "vendor=1"}
SECRET = "hunter2-in-the-query"


class Spans:
    """A tracer by the SDK, which keeps its spans."""

    per_second = 0.0
    callers_per_second = 100.0

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self._maker = provider.get_tracer("test")

    def begin(self, asked: Asked) -> RequestTrace:
        return RequestTrace(self._maker, asked)

    def finished(self) -> Sequence[ReadableSpan]:
        """Return the spans that ended."""
        return self.exporter.get_finished_spans()

    def told(self) -> list[Told]:
        """Return the spans as far as they ended."""
        return [
            Told(
                span.kind.name.lower(),
                span.name,
                dict(span.attributes or {}),
                span.status.status_code is StatusCode.ERROR,
            )
            for span in self.finished()
        ]

    async def has(self, number: int) -> list[ReadableSpan]:
        """Return that many spans, once they ended: those of the caller's side first."""
        await eventually(lambda: len(self.finished()) >= number, f"ended, {number} spans")
        spans = self.finished()
        assert len(spans) == number, self.told()
        for span in self.told():
            check(span)
        return sorted(spans, key=lambda span: span.start_time or 0)


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture(params=["asgi", "protocol", "express"])
def kind(request: pytest.FixtureRequest, admission: Any) -> str:
    admission.plain = request.param == "express"
    return str(request.param)


@pytest.fixture
async def traced(
    kind: str, serve: Serve, admission: Any, spans: Spans
) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Serve the edge with a tracer in front of an upstream; returns its URL."""
    client, started = HttpUpstream(), list[Tracing]()

    async def start(*upstreams: str, prefix: str = "/") -> str:
        table = RouteTable([Route(prefix=prefix, upstreams=upstreams)])
        app = TracedEdge(admission=admission, routes=table, upstream=client, tracer=spans)
        protocols = EdgeProtocols(app.front, client.origins, Watch(), spans)
        tracing = app.tracing if kind == "asgi" else protocols.tracing
        assert tracing is not None
        tracing.start()
        started.append(tracing)
        return await serve(app) if kind == "asgi" else await serve(app, http=protocols)

    yield start
    for tracing in started:
        tracing.close()
    await client.close()


def answering(answer: bytes, heads: list[bytes] | None = None) -> Any:
    """Return what answers each request with these bytes, and hangs up."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if heads is not None:
            heads.append(head)
        writer.write(answer)
        await writer.drain()

    return handle


THEIRS = (
    b"HTTP/1.1 500 No\r\ncontent-type: application/problem+json\r\ncontent-length: 17\r\n\r\n"
    b'{"code":"theirs"}'
)
"""A problem of the upstream's own, whose code is no code of ours."""

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone"


async def test_the_upstream_is_told_of_its_span_and_nobody_else_is_traced(
    traced: Serve, raw_upstream: Serve, http: httpx.AsyncClient, spans: Spans
) -> None:
    heads: list[bytes] = []
    upstream = await raw_upstream(answering(OK, heads=heads))
    base = await traced(upstream, prefix="/v1")
    for fields in ({}, UNSAMPLED, SAMPLED, {}):
        answer = await http.get(base + "/v1/a", params={"key": SECRET}, headers=fields)
        assert answer.text == "done"
    server, asked = await spans.has(2)
    assert server.parent is not None
    assert server.context is not None
    assert format_span_id(server.parent.span_id) == PARENT
    assert format_trace_id(server.context.trace_id) == TRACE
    assert asked.parent == server.context
    assert asked.context is not None
    own = f"traceparent: 00-{TRACE}-{format_span_id(asked.context.span_id)}-01\r\n".encode()
    assert [own in head for head in heads] == [False, False, True, False]
    assert [b"traceparent" in head for head in heads] == [False, True, True, False]
    assert heads[2].count(b"traceparent") == 1
    of_server, of_asked = dict(server.attributes or {}), dict(asked.attributes or {})
    assert server.name == "GET /v1/*"
    assert of_server["dream_gateway.project"] == "prj_1"
    assert of_server["dream_gateway.cost"] == 1
    assert of_server["dream_gateway.request_id"]
    assert of_server["client.address"] == of_server["network.peer.address"] == "127.0.0.1"
    assert of_server["server.address"] == "127.0.0.1"
    assert of_asked["url.full"] == upstream + "/v1/a"
    assert SECRET not in str(spans.told())


@pytest.mark.parametrize("fields", [{}, UNREADABLE])
async def test_some_are_traced_unasked_one_at_a_time(
    traced: Serve,
    raw_upstream: Serve,
    http: httpx.AsyncClient,
    spans: Spans,
    fields: dict[str, str],
) -> None:
    spans.per_second = 50.0
    asked = 0
    base = await traced(await raw_upstream(answering(OK)))

    async def ask() -> int:
        nonlocal asked
        asked += 1
        assert (await http.get(base, headers=fields)).text == "done"
        return len({span.context.trace_id for span in spans.finished() if span.context})

    await eventually(ask, "traced, three", holds=lambda traces: traces >= 3)
    roots = [span for span in spans.finished() if span.parent is None]
    assert 3 <= len(roots) <= asked


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/a", ("invalid_credential", 401)),
        ("/authorize", ("invalid_credential", 401)),
        ("/nowhere", ("not_found", 404)),
    ],
)
async def test_a_refusal_is_no_error_and_asks_no_upstream(
    traced: Serve, http: httpx.AsyncClient, spans: Spans, path: str, told: tuple[str, int]
) -> None:
    base = await traced("http://127.0.0.1:9", prefix="/v1")
    bearer = {"authorization": "Bearer ak_test_" + "b" * 36}
    answer = await http.get(base + path, headers={**SAMPLED, **bearer})
    assert answer.status_code == told[1]
    (server,) = await spans.has(1)
    has = dict(server.attributes or {})
    assert (has["dream_gateway.code"], has["http.response.status_code"]) == told
    assert server.status.status_code is StatusCode.UNSET


async def test_a_question_is_a_request_without_an_upstream(
    traced: Serve, http: httpx.AsyncClient, spans: Spans
) -> None:
    base = await traced("http://127.0.0.1:9")
    assert (await http.get(base + "/authorize", headers=SAMPLED)).status_code == 200
    (server,) = await spans.has(1)
    assert server.name == "GET /authorize"
    assert dict(server.attributes or {})["dream_gateway.code"] == "allowed"


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", 500, "500"),
        (THEIRS, 500, "500"),
        (b"garbage\r\n\r\n", 502, "upstream_failed"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", None, "upstream_failed"),
    ],
)
async def test_a_failure_of_the_upstream_is_an_error(  # noqa: PLR0917 - fixtures
    traced: Serve,
    raw_upstream: Serve,
    http: httpx.AsyncClient,
    spans: Spans,
    answer: bytes,
    status: int | None,
    code: str,
) -> None:
    base = await traced(await raw_upstream(answering(answer)))
    with pytest.raises(httpx.RemoteProtocolError) if status is None else nullcontext():
        assert (await http.post(base, headers=SAMPLED)).status_code == status
    server, asked = await spans.has(2)
    has, of_asked = dict(server.attributes or {}), dict(asked.attributes or {})
    assert has.get("http.response.status_code") == status
    assert has["error.type"] == code
    # The upstream's span ended when its answer began.
    assert ("error.type" in of_asked) is ("http.response.status_code" in has)
    assert has["dream_gateway.project"] == "prj_1"


async def test_a_client_that_leaves_ends_its_spans(
    traced: Serve, raw_upstream: Serve, key: str, spans: Spans
) -> None:
    reached, go = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reached.set()
        await go.wait()

    base = await traced(await raw_upstream(wait))
    host, _, port = base.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    fields = f"host: a\r\nauthorization: Bearer {key}\r\ntraceparent: {SAMPLED['traceparent']}"
    writer.write(f"GET /{key} HTTP/1.1\r\n{fields}\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await reached.wait()
    writer.close()
    server, asked = await spans.has(2)
    go.set()
    assert dict(server.attributes or {})["error.type"] == "client_gone"
    assert dict(asked.attributes or {})["error.type"] == "client_gone"
    assert key not in str(spans.told())


async def _echo(socket: Any) -> None:
    async for message in socket:
        await socket.send(message)


async def test_a_websocket_has_a_handshake_and_a_life(
    traced: Serve, key: str, spans: Spans
) -> None:
    async with serve_websocket(_echo, "127.0.0.1", 0) as upstream:
        port = next(iter(upstream.sockets)).getsockname()[1]
        base = await traced(f"http://127.0.0.1:{port}/base")
        url = base.replace("http://", "ws://") + f"/a?key={SECRET}"
        bearer = {"authorization": f"Bearer {key}"}
        async with connect(url, additional_headers={**bearer, **SAMPLED}, proxy=None) as socket:
            await socket.send("x")
            assert await socket.recv() == "x"
            assert len(spans.finished()) == 2
            socket.transport.abort()
        server, asked, life = await spans.has(3)
        with pytest.raises(InvalidStatus):
            await connect(url, additional_headers=SAMPLED, proxy=None)
        refused = (await spans.has(4))[3]
    has, of_asked = dict(server.attributes or {}), dict(asked.attributes or {})
    assert (has["http.response.status_code"], has["dream_gateway.code"]) == (101, "allowed")
    assert has["dream_gateway.project"] == "prj_1"
    assert of_asked["http.response.status_code"] == 101
    assert of_asked["url.full"] == f"http://127.0.0.1:{port}/base/a"
    assert life.parent == server.context
    assert dict(life.attributes or {})["dream_gateway.closed_by"] == "client"
    of_refused = dict(refused.attributes or {})
    assert of_refused["http.response.status_code"] == 401
    assert of_refused["dream_gateway.code"] == "missing_credential"
    for secret in (key, SECRET):
        assert secret not in str(spans.told())

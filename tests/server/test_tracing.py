"""Spans of WebSockets, of failing upstreams and of the service: what a collector is sent of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.conventions import Told, check
from tests.server.conftest import FREE
from tests.server.receiving import attributes, observed
from tests.traces import PARENT, SAMPLED, TRACE, UNSAMPLED
from tests.waiting import PATIENCE_SECONDS, eventually
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dream_gateway.administration import open_administration
from dream_gateway.model import Mode
from dream_gateway.settings import RouteSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.server.receiving import Receiver

    from dream_gateway.settings import Settings

    Supervise = Callable[[Settings], AbstractAsyncContextManager[Any]]

pytestmark = pytest.mark.long

KINDS = {
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_INTERNAL: "internal",
}
DOWN = "http://127.0.0.1:9"
SECRET = "hunter2-in-the-query"  # no key by its look: only that queries are not told keeps it out


def told(span: Any) -> Told:
    is_error = span.status.code == Status.STATUS_CODE_ERROR
    return Told(KINDS[span.kind], span.name, attributes(span), is_error)


def of(receiver: Receiver, kind: str, **wanted: object) -> list[Any]:
    """Return the spans of a kind that have these attributes; dots are written `__`."""
    found = []
    for span in receiver.spans:
        has = attributes(span)
        if KINDS[span.kind] == kind and all(
            has.get(name.replace("__", ".")) == value for name, value in wanted.items()
        ):
            found.append(span)
    return found


async def _sockets(socket: Any) -> None:
    """Echo; hang up if told to."""
    async for message in socket:
        if message == "hang up":
            return
        await socket.send(message)


@pytest.fixture
async def sockets() -> AsyncIterator[str]:
    async with serve(_sockets, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


@pytest.fixture
async def keys(settings: Settings) -> tuple[str, str]:
    """Return a customer's key, and a secret one."""
    async with open_administration(settings) as admin:
        made = await admin.create_platform("One", Mode.TEST, [FREE], ())
        await admin.create_customer(made.project.id, "ada", "free")
        return (await admin.create_key(made.project.id, "ada")).secret, made.secret_key


def to(edge: str, key: str | None, fields: dict[str, str] = SAMPLED) -> Any:
    bearer = {} if key is None else {"authorization": f"Bearer {key}"}
    return connect(
        edge.replace("http://", "ws://") + f"/socket/a?token={SECRET}",
        additional_headers={**bearer, **fields},
        proxy=None,
    )


@pytest.fixture
def watched(settings: Settings, receiver: Receiver, sockets: str, upstream: Any) -> Settings:
    """Settings with routes to all that there is, and to nobody; both kinds of connection at once."""
    routes = {"/socket": sockets, "/down": DOWN, "/slow": upstream.url, "/": receiver.url}
    return msgspec.structs.replace(
        observed(settings, receiver, metrics=False),
        access_log=True,
        routes=tuple(RouteSettings(prefix=at, upstreams=(url,)) for at, url in routes.items()),
    )


async def test_a_websocket_is_a_handshake_and_then_as_long_as_it_is_open(
    supervise: Supervise, watched: Settings, receiver: Receiver, keys: tuple[str, str]
) -> None:
    key, _ = keys
    async with supervise(watched) as running:
        edge = running.addresses.edge
        await _use_sockets(edge, key)
        await eventually(lambda: len(of(receiver, "server")) >= 4, "sent, the spans")
        await eventually(lambda: len(of(receiver, "internal")) >= 3, "sent, the spans")
        left = await to(edge, key)
        await left.send("c")
        assert await left.recv() == "c"
    await eventually(lambda: len(of(receiver, "internal")) == 4, "sent, the spans")
    with contextlib.suppress(ConnectionClosed):
        await left.recv()
    _check_sockets(receiver, watched.routes[0].upstreams[0])
    _check_all(receiver, keys)


async def _use_sockets(edge: str, key: str) -> None:
    """Have WebSockets ended in every way, and refused; one that is not sampled is not traced."""
    async with to(edge, key) as socket:
        await socket.send("a")
        assert await socket.recv() == "a"
    async with to(edge, key) as socket:
        await socket.send("a")
        assert await socket.recv() == "a"
        socket.transport.abort()
    async with to(edge, key) as socket:
        await socket.send("hang up")
        with contextlib.suppress(ConnectionClosed):
            await socket.recv()
    async with to(edge, key, UNSAMPLED) as socket:
        await socket.send("b")
        assert await socket.recv() == "b"
    with pytest.raises(InvalidStatus):
        await to(edge, None)


async def test_what_fails_is_told_on_the_side_where_it_failed(
    supervise: Supervise,
    watched: Settings,
    receiver: Receiver,
    upstream: Any,
    keys: tuple[str, str],
) -> None:
    key, _ = keys
    async with supervise(watched) as running:
        edge = running.addresses.edge
        bearer = {"authorization": f"Bearer {key}", **SAMPLED}
        async with httpx.AsyncClient(timeout=60, base_url=edge, headers=bearer) as client:
            assert (await client.get("/down/x", params={"key": SECRET})).status_code == 502
            assert (await client.request("PROPFIND", "/dav")).status_code == 200
        await _leave(edge, key, upstream)
        await eventually(lambda: len(of(receiver, "server")) >= 3, "sent, the spans")
    (failed,) = of(receiver, "server", http__route="/down/*")
    (asked,) = of(receiver, "client", url__full=DOWN + "/down/x")
    assert attributes(failed)["error.type"] == "upstream_unreachable"
    assert attributes(asked)["error.type"] == "upstream_unreachable"
    (given_up,) = of(receiver, "server", http__route="/slow/*")
    (not_answered,) = of(receiver, "client", url__full=upstream.url + "/slow")
    for span in (given_up, not_answered):
        assert attributes(span)["error.type"] == "client_gone"
    assert attributes(given_up)["network.protocol.version"] == "1.0"
    assert "server.address" not in attributes(given_up)
    (unusual,) = of(receiver, "server", http__request__method="_OTHER")
    assert attributes(unusual)["http.request.method_original"] == "PROPFIND"
    _check_all(receiver, keys)


async def _leave(edge: str, key: str, upstream: Any) -> None:
    """Ask as clients of HTTP/1.0 do, and be gone before there is an answer."""
    host, _, port = edge.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    bearer, parent = key.encode(), SAMPLED["traceparent"].encode()
    writer.write(
        b"GET /slow HTTP/1.0\r\nauthorization: Bearer %b\r\ntraceparent: %b\r\n\r\n"
        % (bearer, parent)
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        await upstream.reached.wait()
    writer.close()


def _check_sockets(receiver: Receiver, sockets: str) -> None:
    shaken = of(receiver, "server", http__route="/socket/*", http__response__status_code=101)
    (refused,) = of(receiver, "server", http__response__status_code=401)
    asked = of(receiver, "client", http__response__status_code=101)
    opened = of(receiver, "internal")
    assert len(shaken) == len(asked) == len(opened) == 4
    for span in (*shaken, refused):
        assert span.name == "GET /socket/*"
        assert span.parent_span_id.hex() == PARENT
        assert attributes(span)["url.path"] == "/socket/a"
    by_id = {span.span_id: span for span in shaken}
    for span in asked:
        assert span.parent_span_id in by_id
        assert attributes(span)["url.full"] == sockets + "/socket/a"
    for span in opened:
        handshake = by_id[span.parent_span_id]
        assert handshake.end_time_unix_nano <= span.end_time_unix_nano
        assert attributes(handshake)["dream_gateway.code"] == "allowed"
        assert attributes(handshake)["dream_gateway.cost"] == 1
    ends = Counter(attributes(span)["dream_gateway.closed_by"] for span in opened)
    # Whoever says good-bye, it is the server of a WebSocket that closes it then (RFC 6455 7.1.1).
    assert ends == {"client": 1, "upstream": 2, "gateway": 1}
    assert attributes(refused)["dream_gateway.code"] == "missing_credential"


def _check_all(receiver: Receiver, keys: tuple[str, str]) -> None:
    for span in receiver.spans:
        check(told(span))
        assert span.trace_id.hex() == TRACE
    for secret in (*keys, SECRET):
        assert secret not in str(receiver.spans)


Question = tuple[str, str, dict[str, str], Any, str, int]


def _questions(key: str, secret: str) -> list[Question]:
    """Return requests to the service: each with the name of its span, and its status."""
    bearer = {"authorization": f"Bearer {secret}"}
    ada, wrong = {**bearer, "x-user-id": "ada"}, {"authorization": f"Bearer {secret[:-1]}"}
    batch = {"events": [{"userId": "ada"}]}
    customer, customers = "GET /api/customers/{id}", "GET /api/customers"
    void = "POST /api/usage/{eventId}/void"
    return [
        ("POST", "/api/data", ada, None, "POST /api/data", 200),
        ("POST", "/api/data", ada, {"cost": 2}, "POST /api/data", 200),
        ("GET", "/api/usage", ada, None, "GET /api/usage", 200),
        ("POST", "/api/usage/batch", bearer, batch, "POST /api/usage/batch", 200),
        ("POST", "/api/verify", bearer, {"key": key}, "POST /api/verify", 200),
        ("POST", "/api/usage/evt_none/void", bearer, {}, void, 404),
        ("GET", f"/api/customers/ada?x={SECRET}", bearer, None, customer, 404),
        ("GET", "/api/customers", bearer, None, customers, 200),
        ("GET", "/api/customers/nobody", bearer, None, customer, 404),
        ("GET", f"/api/keys/{key}", bearer, None, "GET /api/keys/{keyId}", 404),
        ("DELETE", "/api/customers", bearer, None, "DELETE /api/customers", 405),
        ("GET", "/api/customers", wrong, None, customers, 401),
        ("GET", "/nowhere", bearer, None, "GET", 404),
        ("GET", "/health", {}, None, "GET /health", 200),
        ("GET", "/llms.txt", {}, None, "GET /llms.txt", 200),
        ("GET", "/docs/none", {}, None, "GET /docs/*", 404),
    ]


async def _ask_all(base: str, questions: list[Question]) -> list[int]:
    """Ask each without a trace, and in one that is not sampled, and in one that is."""
    statuses = []
    async with httpx.AsyncClient(timeout=60, base_url=base) as client:
        for method, path, fields, body, _, _ in questions:
            for more in ({}, UNSAMPLED, SAMPLED):
                answer = await client.request(method, path, headers={**fields, **more}, json=body)
            statuses.append(answer.status_code)
    return statuses


async def test_the_service_is_traced_by_the_template_of_its_path(
    supervise: Supervise, settings: Settings, receiver: Receiver, keys: tuple[str, str]
) -> None:
    questions = _questions(*keys)
    async with supervise(observed(settings, receiver, metrics=False)) as running:
        statuses = await _ask_all(running.addresses.service, questions)
        await eventually(lambda: len(receiver.spans) >= len(questions), "sent, the spans")
    assert statuses == [status for *_, status in questions]
    spans = sorted(receiver.spans, key=lambda span: span.start_time_unix_nano)
    found = [(span.name, attributes(span)["http.response.status_code"]) for span in spans]
    assert found == [(name, status) for *_, name, status in questions]
    assert attributes(spans[-5])["dream_gateway.code"] == "invalid_credential"
    assert "dream_gateway.code" not in attributes(spans[0])
    assert all(span.parent_span_id.hex() == PARENT for span in spans)
    _check_all(receiver, keys)

"""What comes before any handler: routing, methods, bytes of any kind, faults of our own."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from dream_gateway.records.schema import tiers

if TYPE_CHECKING:
    import httpx
    from tests.service.conftest import Tenant

    from dream_gateway.gateway import Gateway
    from dream_gateway.service.app import Service

FIELDS = st.sampled_from(
    [
        b"x-user-id",
        b"x-user-plan",
        b"x-usage-cost",
        b"idempotency-key",
        b"if-match",
        b"x-request-id",
        b"content-length",
        b"x-publishable-key",
        b"x-clerk-token",
        b"authorization",
    ]
)
PATHS = st.sampled_from(
    [
        "/api/data",
        "/api/usage",
        "/api/usage/batch",
        "/api/usage/x/void",
        "/api/verify",
        "/api/customers",
        "/api/customers/x",
        "/api/customers/x/keys",
        "/api/keys/x",
        "/api/keys/x/rotate",
        "/api/tiers",
        "/health",
        "/ready",
    ]
)
# Beside bytes of any kind, some that get past the checks and into the store.
VALUES = st.binary(max_size=40) | st.sampled_from(
    [b"u-1", b"pro", b"slow", b"0", b"3", b"k", b"*", b"\xff", "\u00e9\u20ac".encode(), b"a" * 255]
)
TEXTS = st.text(max_size=8) | st.sampled_from(["u-1", "pro", "a@b", "2030-01-01T00:00:00Z"])
BODIES = st.binary(max_size=60) | st.dictionaries(
    st.sampled_from(
        ["cost", "key", "email", "externalId", "plan", "metadata", "amount", "events", "name"]
    ),
    st.integers() | TEXTS | st.dictionaries(TEXTS, TEXTS, max_size=2) | st.lists(TEXTS, max_size=2),
    max_size=3,
).map(lambda value: json.dumps(value).encode())
METHODS = st.sampled_from(["GET", "POST", "PATCH", "DELETE", "HEAD", "PUT", "BREW"])
SETTINGS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=200,
)


async def raw(
    service: Any,
    method: str,
    path: str,
    headers: list[tuple[bytes, bytes]],
    messages: list[dict[str, Any]],
    *,
    query: bytes = b"",
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Speak ASGI without a client in between, which would refuse some of this."""
    sent: list[Any] = []
    queue = [*messages, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return queue.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": headers,
        "http_version": "1.1",
    }
    await service(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m["body"] for m in sent[1:])


def whole(body: bytes) -> list[dict[str, Any]]:
    return [{"type": "http.request", "body": body, "more_body": False}]


@SETTINGS
@given(
    method=METHODS,
    path=PATHS,
    fields=st.lists(st.tuples(FIELDS, VALUES), max_size=4),
    body=BODIES,
    query=st.binary(max_size=30),
)
async def test_any_bytes_are_answered_and_none_with_500(
    service: Service,
    tenant: Tenant,
    *,
    method: str,
    path: str,
    fields: Any,
    body: bytes,
    query: bytes,
) -> None:
    own = (b"authorization", f"Bearer {tenant.secret_key}".encode())
    for headers in (fields, [own, *fields]):
        status, answered, content = await raw(
            service, method, path, headers, whole(body), query=query
        )
        assert status < 500
        assert answered[b"x-content-type-options"] == b"nosniff"
        assert answered[b"cache-control"] == b"no-store"
        assert answered[b"content-security-policy"] == b"default-src 'none'; frame-ancestors 'none'"
        assert answered[b"referrer-policy"] == b"no-referrer"
        assert answered[b"x-request-id"]
        if status >= 400 and method != "HEAD":
            assert json.loads(content)["status"] == status


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/none",
        "/api/data/",
        "/api/usage//void",
        "/api/usage/a/b/void",
        "/health/",
        "/api/customers/a/b/c",
    ],
)
async def test_404(tenant: Tenant, path: str) -> None:
    answer = await tenant.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["instance"] == path


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/api/data", "POST"),
        ("PUT", "/api/usage", "GET, HEAD"),
        ("GET", "/api/usage/x/void", "POST"),
        ("PUT", "/api/customers", "GET, HEAD, POST"),
        ("POST", "/api/customers/x", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/health", "GET, HEAD"),
    ],
)
async def test_405(tenant: Tenant, method: str, path: str, allow: str) -> None:
    answer = await tenant.client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == allow


async def test_400_a_body_that_breaks_off(service: Service, tenant: Tenant) -> None:
    own = [(b"authorization", f"Bearer {tenant.secret_key}".encode()), (b"x-user-id", b"u")]
    half = [{"type": "http.request", "body": b'{"cost":', "more_body": True}]
    status, _, body = await raw(service, "POST", "/api/data", own, half)
    assert (status, json.loads(body)["code"]) == (400, "bad_request")


async def test_413_by_the_declared_length_alone(service: Service, tenant: Tenant) -> None:
    own = [
        (b"authorization", f"Bearer {tenant.secret_key}".encode()),
        (b"content-length", b"9" * 9),
    ]
    status, _, _ = await raw(service, "POST", "/api/data", own, [])
    assert status == 413


async def test_a_body_in_pieces(service: Service, tenant: Tenant) -> None:
    own = [(b"authorization", f"Bearer {tenant.secret_key}".encode()), (b"x-user-id", b"u")]
    pieces = [
        {"type": "http.request", "body": b'{"cost"', "more_body": True},
        {"type": "http.request", "body": b":3}", "more_body": False},
    ]
    status, _, body = await raw(service, "POST", "/api/data", own, pieces)
    assert (status, json.loads(body)["usage"]["count"]) == (200, 3)


async def test_500_tells_nothing(
    tenant: Tenant, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    nonsense = {"name": "free", "allowances": [{"kind": "SELECT secret FROM driver"}]}
    async with gateway.records.write("test") as writer:
        await writer.connection.execute(update(tiers).values(definition=nonsense))
    with caplog.at_level(logging.ERROR):
        answer = await tenant.client.get("/api/tiers", headers={"x-request-id": "mine"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "SELECT" not in answer.text
    assert "SELECT secret FROM driver" in caplog.text
    assert "mine" in caplog.text
    assert tenant.secret_key not in caplog.text


async def test_request_ids_come_back(anybody: httpx.AsyncClient) -> None:
    given = await anybody.get("/health", headers={"x-request-id": "abc-1"})
    made = [(await anybody.get("/none")) for _ in range(2)]
    assert given.headers["x-request-id"] == "abc-1"
    assert made[0].headers["x-request-id"] != made[1].headers["x-request-id"]
    assert made[0].json()["requestId"] == made[0].headers["x-request-id"]


async def test_websockets_are_closed(service: Service) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await service({"type": "websocket", "path": "/"}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1000}]

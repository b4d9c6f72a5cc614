"""Spans by themselves: what is told of requests that are anything but usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dream_gateway.hookspecs import Asked, Traced
from dream_gateway.redaction import LONGEST
from dream_gateway_otel.spans import RequestTrace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

KEY = "ak_test_" + "Ab3" * 12
USUAL: dict[str, Any] = {
    "method": "GET",
    "path": "/a",
    "route": "/*",
    "scheme": "http",
    "version": "1.1",
    "host": "api.example.com",
    "client": "192.0.2.7",
    "peer": "192.0.2.1",
    "traceparent": None,
    "tracestate": None,
}
DONE = Traced(200, "allowed", "prj_1", 1, "req_1", None)


def span(done: Traced = DONE, **asked: Any) -> ReadableSpan:
    """Return the span of a request that differs from the usual one in this."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    RequestTrace(provider.get_tracer("test"), Asked(**{**USUAL, **asked})).end(done)
    (found,) = exporter.get_finished_spans()
    return found


@pytest.mark.parametrize(
    ("scheme", "host", "address"),
    [
        ("http", "api.example.com", ("api.example.com", 80)),
        ("https", "api.example.com", ("api.example.com", 443)),
        ("ws", "api.example.com:8080", ("api.example.com", 8080)),
        ("http", "[::1]:8080", ("::1", 8080)),
        ("http", "a:70000", (None, None)),
        ("http", "[", (None, None)),
        ("http", "", (None, None)),
        ("http", None, (None, None)),
        ("http", KEY.lower(), ("ak_***", 80)),
    ],
)
def test_the_server_is_what_the_host_field_says(
    scheme: str, host: str | None, address: tuple[str | None, int | None]
) -> None:
    has = span(scheme=scheme, host=host).attributes or {}
    assert (has.get("server.address"), has.get("server.port")) == address


def test_who_asks_is_told_apart_from_who_is_connected() -> None:
    has = span().attributes or {}
    assert has["client.address"] == "192.0.2.7"
    assert has["network.peer.address"] == "192.0.2.1"


def test_no_secret_gets_into_a_span_by_what_a_caller_writes() -> None:
    done = Traced(401, "missing_credential", None, None, f"x-{KEY}", None)
    found = span(done, method=KEY, path=f"/{KEY}", host=f"{KEY}.example.com", route=None)
    assert found.name == "HTTP"
    told = str(found.attributes).lower()
    assert KEY.lower() not in told
    assert told.count("ak_***") == 4


def test_what_is_long_is_cut() -> None:
    has = span(path="/" + "a" * 9_000).attributes or {}
    assert len(str(has["url.path"])) == LONGEST


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("allowed", 500, "500"),
        ("upstream_failed", 502, "upstream_failed"),
        ("internal_error", None, "internal_error"),
        (None, None, "_OTHER"),
        ("quota_exceeded", 429, None),
        (None, 404, None),
    ],
)
def test_the_type_of_an_error_is_its_code_or_its_status(
    code: str | None, status: int | None, error: str | None
) -> None:
    has = span(Traced(status, code, None, None, "req_1", None)).attributes or {}
    assert has.get("error.type") == error

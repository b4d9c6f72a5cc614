"""What OpenTelemetry's conventions for HTTP say of a span, where they are stable, checked."""

from __future__ import annotations

from typing import Any, NamedTuple

from opentelemetry.semconv.attributes import (
    client_attributes,
    error_attributes,
    http_attributes,
    network_attributes,
    server_attributes,
    url_attributes,
)

STABLE = frozenset(
    value
    for module in (
        client_attributes,
        error_attributes,
        http_attributes,
        network_attributes,
        server_attributes,
        url_attributes,
    )
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
)
NUMBERS = {"http.response.status_code", "server.port", "client.port", "network.peer.port"}
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
REQUIRED = {
    "server": {"http.request.method", "url.path", "url.scheme"},
    "client": {"http.request.method", "server.address", "server.port", "url.full"},
}


class Told(NamedTuple):
    """A span, by whatever it was read."""

    kind: str
    name: str
    attributes: dict[str, Any]
    is_error: bool


def check(told: Told, *, asked: bool = True) -> None:
    """Fail if a span is not as the conventions want it; `asked`: an upstream was found to ask."""
    names = set(told.attributes)
    assert {name for name in names if not name.startswith("dream_gateway.")} <= STABLE, told
    assert "url.query" not in names
    for name, value in told.attributes.items():
        wanted = int if name in NUMBERS or name == "dream_gateway.cost" else str
        assert type(value) is wanted, (name, value)
    if told.kind not in REQUIRED:
        assert told.kind == "internal"
        assert told.name == "websocket"
        return
    if asked or told.kind == "server":
        assert names >= REQUIRED[told.kind], told
    _check_name(told)
    _check_status(told)


def _check_name(told: Told) -> None:
    method, route = told.attributes["http.request.method"], told.attributes.get("http.route")
    assert method in {*METHODS, "_OTHER"}
    assert ("http.request.method_original" in told.attributes) is (
        method == "_OTHER" and told.kind == "server"
    )
    shown = "HTTP" if method == "_OTHER" else method
    assert told.name == (shown if route is None else f"{shown} {route}")
    assert "?" not in told.attributes.get("url.full", "")
    assert told.attributes.get("url.scheme", "http") in {"http", "https"}


def _check_status(told: Told) -> None:
    """A refusal is an error of whoever asked: of a client's span, and of no server's."""
    status = told.attributes.get("http.response.status_code")
    is_error = status is None or status >= (500 if told.kind == "server" else 400)
    assert told.is_error is is_error, told
    assert ("error.type" in told.attributes) is is_error, told

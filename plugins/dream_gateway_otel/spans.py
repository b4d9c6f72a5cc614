"""Traced requests as spans: one for the request, and one in it for the upstream.

Names and attributes are those of OpenTelemetry's conventions for HTTP, where they are stable, and
`dream_gateway.*` for what only a gateway knows. Of the fields of a request none is told but `Host`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry.semconv.attributes import (
    client_attributes,
    error_attributes,
    http_attributes,
    network_attributes,
    server_attributes,
    url_attributes,
)
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from dream_gateway.redaction import redacted, shown, shown_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Span
    from opentelemetry.trace import Tracer as SpanMaker

    from dream_gateway.hookspecs import Asked, Traced

PROPAGATOR = TraceContextTextMapPropagator()
METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
)
"""Those of RFC 9110, and PATCH (RFC 5789); any other is told as `_OTHER`."""

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
NO_ANSWER = "_OTHER"
"""What is wrong where nobody knows what is."""


def parent(traceparent: bytes | None, tracestate: bytes | None) -> Context:
    """Return the caller's context, an empty one if there is none, or none that holds."""
    given = {"traceparent": traceparent, "tracestate": tracestate}
    carrier = {name: value.decode("latin-1") for name, value in given.items() if value is not None}
    return PROPAGATOR.extract(carrier)


class RequestTrace:
    """See `dream_gateway.hookspecs.Trace`."""

    def __init__(self, maker: SpanMaker, asked: Asked) -> None:
        self._maker = maker
        self._method = _method(asked.method)
        self._span = maker.start_span(
            _name(self._method, asked.route),
            context=parent(asked.traceparent, asked.tracestate),
            kind=SpanKind.SERVER,
            attributes=_of_request(asked),
        )
        self._upstream: Span | None = None
        self._open: Span | None = None

    def upstream(self) -> Sequence[tuple[bytes, bytes]]:
        """Begin the upstream's span, and tell the upstream of it."""
        span = self._upstream = self._maker.start_span(
            _name(self._method, None),
            context=set_span_in_context(self._span),
            kind=SpanKind.CLIENT,
            attributes={http_attributes.HTTP_REQUEST_METHOD: self._method},
        )
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier, context=set_span_in_context(span))
        return [(name.encode(), value.encode("latin-1")) for name, value in carrier.items()]

    def answered(self, status: int, upstream: str) -> None:
        """End the upstream's span: its answer begins."""
        self._end_upstream(upstream, status, None)

    def end(self, traced: Traced) -> None:
        """End the request's span, and the upstream's if that gave no answer."""
        self._end_upstream(traced.upstream, None, traced.code)
        span = self._span
        known = {
            "dream_gateway.code": traced.code,
            "dream_gateway.cost": traced.cost,
            "dream_gateway.project": traced.project,
            "dream_gateway.request_id": redacted(traced.request_id),
            http_attributes.HTTP_RESPONSE_STATUS_CODE: traced.status,
        }
        span.set_attributes({name: value for name, value in known.items() if value is not None})
        if traced.status is None or traced.status >= 500:
            _fail(span, traced.status, None if traced.code == "allowed" else traced.code)
        span.end()
        if traced.status == HTTPStatus.SWITCHING_PROTOCOLS:
            self._open = self._maker.start_span(
                "websocket",
                context=set_span_in_context(span),
                attributes={network_attributes.NETWORK_PROTOCOL_NAME: "websocket"},
            )

    def closed(self, by: str) -> None:
        """End the WebSocket's span."""
        span, self._open = self._open, None
        if span is not None:
            span.set_attribute("dream_gateway.closed_by", by)
            span.end()

    def _end_upstream(self, url: str | None, status: int | None, code: str | None) -> None:
        span, self._upstream = self._upstream, None
        if span is None:
            return
        if url:
            span.set_attributes(_of_url(url))
        if status is not None:
            span.set_attribute(http_attributes.HTTP_RESPONSE_STATUS_CODE, status)
        if status is None or status >= 400:
            _fail(span, status, code)
        span.end()


def _of_request(asked: Asked) -> dict[str, str | int]:
    """Return what the conventions have of a request that a server got."""
    method = _method(asked.method)
    address, port = _host(asked.scheme, asked.host)
    known: dict[str, str | int | None] = {
        http_attributes.HTTP_REQUEST_METHOD: method,
        http_attributes.HTTP_REQUEST_METHOD_ORIGINAL: (
            None if method == asked.method else shown(asked.method)
        ),
        http_attributes.HTTP_ROUTE: asked.route,
        url_attributes.URL_SCHEME: {"ws": "http", "wss": "https"}.get(asked.scheme, asked.scheme),
        url_attributes.URL_PATH: shown_path(asked.path),
        network_attributes.NETWORK_PROTOCOL_VERSION: asked.version,
        network_attributes.NETWORK_PEER_ADDRESS: asked.peer,
        client_attributes.CLIENT_ADDRESS: asked.client,
        server_attributes.SERVER_ADDRESS: address,
        server_attributes.SERVER_PORT: port,
    }
    return {name: value for name, value in known.items() if value is not None}


def _of_url(url: str) -> dict[str, str | int]:
    """Return what the conventions have of whom a client asked."""
    parts = urlsplit(url)
    return {
        url_attributes.URL_FULL: shown_path(url),
        server_attributes.SERVER_ADDRESS: parts.hostname or "",
        server_attributes.SERVER_PORT: parts.port or PORTS[parts.scheme],
    }


def _host(scheme: str, host: str | None) -> tuple[str | None, int | None]:
    """Return the name and the port that a `Host` field asks for; what is none says nothing."""
    try:
        parts = urlsplit(f"//{host or ''}")
        port = parts.port
    except ValueError:
        return None, None
    name = parts.hostname
    return (None, None) if not name else (shown(name), port or PORTS.get(scheme))


def _method(method: str) -> str:
    return method if method in METHODS else "_OTHER"


def _name(method: str, route: str | None) -> str:
    """Return a span's name, of which there are few."""
    shown = "HTTP" if method == "_OTHER" else method
    return shown if route is None else f"{shown} {route}"


def _fail(span: Span, status: int | None, code: str | None) -> None:
    """Mark what went wrong on the span's own side: a refusal is the caller's."""
    kind = code or (NO_ANSWER if status is None else str(status))
    span.set_attribute(error_attributes.ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR))

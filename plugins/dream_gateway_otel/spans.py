"""Traced requests as spans: one for the request, and one in it for the upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from dream_gateway.redaction import redacted_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Span
    from opentelemetry.trace import Tracer as SpanMaker

    from dream_gateway.hookspecs import Traced

PROPAGATOR = TraceContextTextMapPropagator()


def parent(traceparent: bytes | None, tracestate: bytes | None) -> Context:
    """Return the caller's context, an empty one if there is none, or none that holds."""
    given = {"traceparent": traceparent, "tracestate": tracestate}
    carrier = {name: value.decode("latin-1") for name, value in given.items() if value is not None}
    return PROPAGATOR.extract(carrier)


class RequestTrace:
    """See `dream_gateway.hookspecs.Trace`."""

    def __init__(
        self, maker: SpanMaker, context: Context, method: str, path: str, client: str | None
    ) -> None:
        self._maker = maker
        attributes = {"http.request.method": method, "url.path": redacted_path(path)}
        if client is not None:
            attributes["client.address"] = client
        # Names of spans are few, and paths are many.
        self._span = maker.start_span(
            method, context=context, kind=SpanKind.SERVER, attributes=attributes
        )
        self._upstream: Span | None = None

    def upstream(self) -> Sequence[tuple[bytes, bytes]]:
        """Begin the upstream's span, and tell the upstream of it."""
        span = self._upstream = self._maker.start_span(
            "upstream", context=set_span_in_context(self._span), kind=SpanKind.CLIENT
        )
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier, context=set_span_in_context(span))
        return [(name.encode(), value.encode("latin-1")) for name, value in carrier.items()]

    def answered(self, status: int) -> None:
        """End the upstream's span: its answer begins."""
        span, self._upstream = self._upstream, None
        if span is not None:
            span.set_attribute("http.response.status_code", status)
            _judge(span, status)
            span.end()

    def end(self, traced: Traced) -> None:
        """End the request's span, and the upstream's if that gave no answer."""
        if self._upstream is not None:
            self._upstream.set_status(Status(StatusCode.ERROR))
            self._upstream.end()
        span = self._span
        span.set_attribute("dream_gateway.code", traced.code)
        span.set_attribute("dream_gateway.cost", traced.cost)
        span.set_attribute("dream_gateway.request_id", traced.request_id)
        if traced.project is not None:
            span.set_attribute("dream_gateway.project", traced.project)
        if traced.status is not None:
            span.set_attribute("http.response.status_code", traced.status)
        _judge(span, traced.status or 599)
        span.end()


def _judge(span: Span, status: int) -> None:
    """Mark what the server's side failed at; a refusal is no failure."""
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))

"""The edge as an ASGI application that traces: see `dream_gateway.http1.tracing`.

Without a tracer there is no application of this kind, and whoever is not traced is served by its base.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.edge.app import Edge
from dream_gateway.edge.asgi_trace import AsgiTrace
from dream_gateway.edge.origin import parse_origin
from dream_gateway.edge.proxy import Proxy
from dream_gateway.edge.websocket import RefusedUpgradeError, WebSocketRelay
from dream_gateway.http.inbound import from_scope
from dream_gateway.http1.heads import SWITCHING_PROTOCOLS
from dream_gateway.http1.tracing import Tracing, with_trace_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.asyncio.client import ClientConnection

    from dream_gateway.edge.front import Front
    from dream_gateway.edge.gate import Ask, KeyAdmission
    from dream_gateway.edge.options import EdgeOptions
    from dream_gateway.edge.origin import Origin
    from dream_gateway.edge.routes import RouteTable
    from dream_gateway.edge.upstream import Upstream, UpstreamRequest, UpstreamResponse
    from dream_gateway.edge.websocket import UpstreamConnect
    from dream_gateway.hookspecs import Tracer
    from dream_gateway.http.asgi import Headers, Receive, Scope, Send
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.model import Verdict


class TracedEdge(Edge):
    """The data plane, traced. `tracing` is the caller's to start and close, in the server's loop.

    How it is served is in `docs/guides/observability.md`.
    """

    def __init__(
        self,
        *,
        admission: KeyAdmission,
        routes: RouteTable,
        upstream: Upstream,
        tracer: Tracer,
        options: EdgeOptions | None = None,
    ) -> None:
        super().__init__(admission=admission, routes=routes, upstream=upstream, options=options)
        self._upstream = upstream
        self.tracing = Tracing(tracer, self.front)

    async def _http(self, inbound: Inbound, receive: Receive, send: Send, proxy: Proxy) -> None:
        trace = self.tracing.begin(inbound)
        if trace is None:
            await super()._http(inbound, receive, send, proxy)
            return
        asgi_trace = AsgiTrace(trace, receive, send)
        traced = _TracedProxy(self.front, self._upstream, asgi_trace)
        try:
            await super()._http(inbound, receive, asgi_trace.send, traced)
        finally:
            asgi_trace.over()

    async def _websocket(
        self, scope: Scope, receive: Receive, send: Send, sockets: WebSocketRelay
    ) -> None:
        trace = self.tracing.begin(from_scope(scope))
        if trace is None:
            await super()._websocket(scope, receive, send, sockets)
            return
        asgi_trace = AsgiTrace(trace, receive, send)
        traced = _TracedSockets(self.front, asgi_trace)
        try:
            await super()._websocket(scope, asgi_trace.receive, asgi_trace.send, traced)
        finally:
            asgi_trace.over()


class _TracedProxy(Proxy):
    """Relays one traced request."""

    __slots__ = ("_asgi_trace",)

    def __init__(self, front: Front, upstream: Upstream, asgi_trace: AsgiTrace) -> None:
        super().__init__(front.gate, upstream, front.limits, front.options.patience)
        self._asgi_trace = asgi_trace

    async def relay(
        self,
        inbound: Inbound,
        receive: Receive,
        send: Send,
        *,
        ask: Ask,
        request_id: bytes,
        trusted: bool,
    ) -> None:
        """Relay it, and take note of why it is refused."""
        with self._asgi_trace.heard():
            await super().relay(
                inbound, receive, send, ask=ask, request_id=request_id, trusted=trusted
            )

    async def open(self, request: UpstreamRequest) -> UpstreamResponse:
        """Tell the upstream of the trace, and take note of when it answers."""
        asgi_trace = self._asgi_trace
        request.headers = with_trace_fields(request.headers, asgi_trace.trace)
        if len(request.route.upstreams) == 1:
            asgi_trace.upstream = parse_origin(request.route.upstreams[0]).at(request.target)
        with asgi_trace.heard():
            response = await super().open(request)
        asgi_trace.upstream = parse_origin(response.origin).at(request.target)
        asgi_trace.trace.answered(response.status, asgi_trace.upstream)
        return _Heard(response, asgi_trace)

    def took(self, verdict: Verdict) -> None:
        """Take note of whose it is."""
        self._asgi_trace.verdict = verdict
        super().took(verdict)

    def refund(self, ask: Ask, verdict: Verdict) -> None:
        """Take note of whose it is."""
        self._asgi_trace.verdict = verdict
        super().refund(ask, verdict)


class _Heard:
    """An answer, and what goes wrong with the rest of it."""

    __slots__ = ("_asgi_trace", "_response", "headers", "origin", "status")

    def __init__(self, response: UpstreamResponse, asgi_trace: AsgiTrace) -> None:
        self._response = response
        self._asgi_trace = asgi_trace
        self.origin, self.status = response.origin, response.status
        self.headers = response.headers

    @property
    def complete(self) -> bool:
        """Whether all of the body is in."""
        return self._response.complete

    async def read(self) -> bytes:
        """Return the next piece of the body."""
        with self._asgi_trace.heard():
            return await self._response.read()

    def close(self) -> None:
        """Let go of it."""
        self._response.close()


class _TracedSockets(WebSocketRelay):
    """Relays one traced WebSocket."""

    __slots__ = ("_asgi_trace",)

    def __init__(self, front: Front, asgi_trace: AsgiTrace) -> None:
        super().__init__(front.gate, front.limits, front.options.websocket_message)
        self._asgi_trace = asgi_trace

    async def relay(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        ask: Ask,
        request_id: bytes,
        trusted: bool,
    ) -> None:
        """Relay it, and take note of why it is refused."""
        with self._asgi_trace.heard():
            await super().relay(
                scope, receive, send, ask=ask, request_id=request_id, trusted=trusted
            )

    def _accept_headers(
        self, upstream: ClientConnection, verdict: Verdict, request_id: bytes
    ) -> Headers:
        self._asgi_trace.verdict = verdict
        return super()._accept_headers(upstream, verdict, request_id)

    async def _connect(
        self, scope: Scope, ask: Ask, path: bytes, headers: Headers
    ) -> ClientConnection:
        asgi_trace = self._asgi_trace
        told_of = with_trace_fields(headers, asgi_trace.trace)
        try:
            upstream = await super()._connect(scope, ask, path, told_of)
        except RefusedUpgradeError as exc:
            asgi_trace.trace.answered(exc.status, asgi_trace.upstream or "")
            raise
        asgi_trace.trace.answered(SWITCHING_PROTOCOLS, asgi_trace.upstream or "")
        return upstream

    def _dial(
        self,
        origin: Origin,
        host: bytes,
        asked: bytes,
        headers: Headers,
        subprotocols: Sequence[str],
    ) -> UpstreamConnect:
        # What is asked for has the path of the upstream before it already.
        self._asgi_trace.upstream = origin.at(asked.removeprefix(origin.base))
        return super()._dial(origin, host, asked, headers, subprotocols)

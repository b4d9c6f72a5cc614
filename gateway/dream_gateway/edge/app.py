"""The edge as an ASGI application: a request in, its answer or a problem out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dream_gateway.edge.fields import REQUEST_ID
from dream_gateway.edge.forward_auth import ForwardAuth
from dream_gateway.edge.forwarded import TrustedProxies
from dream_gateway.edge.gate import DeniedError, Gate
from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.origin import parse_origin
from dream_gateway.edge.proxy import Proxy
from dream_gateway.edge.routes import has_dot_segments
from dream_gateway.edge.websocket import INTERNAL, RefusedUpgradeError, WebSocketRelay, refuse
from dream_gateway.errors import (
    BadRequestError,
    ConfigurationError,
    GatewayError,
    MethodNotAllowedError,
    NotFoundError,
)
from dream_gateway.http.asgi import header, raw_path
from dream_gateway.http.problem import problem
from dream_gateway.http.ratelimit import RateLimitHeaders
from dream_gateway.http.request_ids import RequestIds

if TYPE_CHECKING:
    from dream_gateway.edge.forwarded import Peer
    from dream_gateway.edge.gate import KeyAdmission
    from dream_gateway.edge.routes import Route, RouteTable
    from dream_gateway.edge.upstream import Upstream
    from dream_gateway.http.asgi import Message, Receive, Scope, Send
    from dream_gateway.http.problem import Problem

_LOG = logging.getLogger(__name__)


class Edge:
    """The data plane. `admission`, `routes` and `upstream` are the caller's to start and close."""

    def __init__(
        self,
        *,
        admission: KeyAdmission,
        routes: RouteTable,
        upstream: Upstream,
        options: EdgeOptions | None = None,
    ) -> None:
        _check(routes)
        self._options = options or EdgeOptions()
        self._routes = routes
        self._gate = Gate(admission, self._options)
        self._limits = RateLimitHeaders(legacy=self._options.legacy_headers)
        self._proxies = TrustedProxies(self._options.trusted_proxies)
        self._ids = RequestIds()
        self._proxy = Proxy(self._gate, upstream, self._limits)
        self._sockets = WebSocketRelay(self._gate, self._limits, self._options.websocket_message)
        self._forward_auth = ForwardAuth(self._gate, routes, self._limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or the server's lifespan, which is not ours to use."""
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await self._websocket(scope, receive, send)
        elif kind == "lifespan":
            await _lifespan(receive, send)
        else:
            raise RuntimeError(f"The edge does not serve {kind!r} scopes.")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._ids.take_over(header(scope["headers"], REQUEST_ID))
        outbound = _Outbound(send)
        try:
            peer = self._proxies.peer(scope)
            if scope["path"] == self._options.forward_auth:
                await self._authorize(scope, outbound, peer, request_id)
                return
            ask = self._gate.ask(
                self._route(scope),
                scope["headers"],
                scope.get("query_string", b""),
                peer.address,
                method=scope["method"],
                path=scope["path"],
            )
            await self._proxy.relay(
                scope, receive, outbound, ask=ask, request_id=request_id, trusted=peer.trusted
            )
        except (GatewayError, DeniedError) as exc:
            if not outbound.started:
                await self._problem(exc, scope, request_id).send(send)
        except Exception:  # noqa: BLE001 # nothing may get past here to the server
            _LOG.exception("request %s failed inside the gateway", request_id.decode())
            if not outbound.started:
                await self._problem(GatewayError(), scope, request_id).send(send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._ids.take_over(header(scope["headers"], REQUEST_ID))
        outbound = _Outbound(send)
        try:
            await receive()  # the connect message, which says nothing
            peer = self._proxies.peer(scope)
            ask = self._gate.ask(
                self._route(scope),
                scope["headers"],
                scope.get("query_string", b""),
                peer.address,
                method="GET",
                path=scope["path"],
            )
            await self._sockets.relay(
                scope, receive, outbound, ask=ask, request_id=request_id, trusted=peer.trusted
            )
        except RefusedUpgradeError as exc:
            await refuse(scope, send, exc.answer(request_id))
        except (GatewayError, DeniedError) as exc:
            await refuse(scope, send, self._problem(exc, scope, request_id))
        except Exception:  # noqa: BLE001 # nothing may get past here to the server
            _LOG.exception("websocket %s failed inside the gateway", request_id.decode())
            if outbound.started:
                await send({"type": "websocket.close", "code": INTERNAL})
            else:
                await refuse(scope, send, self._problem(GatewayError(), scope, request_id))

    async def _authorize(
        self, scope: Scope, send: _Outbound, peer: Peer, request_id: bytes
    ) -> None:
        try:
            await self._forward_auth.answer(scope, send, ip=peer.address, request_id=request_id)
        except DeniedError as exc:
            answer = self._problem(exc, scope, request_id)
            if answer.status == 429:
                answer = answer._replace(status=self._options.status_for_limit)
            await answer.send(send)

    def _route(self, scope: Scope) -> Route:
        path: str = scope["path"]
        method = scope.get("method", "GET")
        if method == "CONNECT":
            raise MethodNotAllowedError("The gateway opens no tunnels.")
        if has_dot_segments(path):
            raise BadRequestError("The path has dot segments.")
        route = self._routes.match(path)
        if route is None:
            raise NotFoundError
        if route.methods and method not in route.methods:
            raise MethodNotAllowedError(headers=(("Allow", ", ".join(sorted(route.methods))),))
        return route

    def _problem(
        self, cause: GatewayError | DeniedError, scope: Scope, request_id: bytes
    ) -> Problem:
        error = cause.error() if isinstance(cause, DeniedError) else cause
        answer = problem(
            error,
            instance=raw_path(scope).decode("ascii", "replace"),
            request_id=request_id.decode("ascii"),
        )
        if isinstance(cause, DeniedError):
            self._limits.add_to(answer.headers, cause.verdict.policies)
        return answer


class _Outbound:
    """Passes messages on and knows whether the answer began: after that no other can be given."""

    __slots__ = ("_send", "started")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        self.started = True
        await self._send(message)


def _check(routes: RouteTable) -> None:
    for route in routes.routes:
        if not route.upstreams:
            raise ConfigurationError(f"The route {route.prefix} has no upstream.")
        for url in route.upstreams:
            parse_origin(url)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return

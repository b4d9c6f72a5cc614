"""What is decided about a request before anything of it is sent on, whatever server it came by."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from dream_gateway.edge.fields import REQUEST_ID
from dream_gateway.edge.forward_auth import ForwardAuth
from dream_gateway.edge.gate import DeniedError, Gate, error_of
from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.origin import parse_origin
from dream_gateway.edge.routes import has_dot_segments
from dream_gateway.errors import (
    BadRequestError,
    ConfigurationError,
    GatewayError,
    MethodNotAllowedError,
    NotFoundError,
)
from dream_gateway.http.peers import TrustedProxies
from dream_gateway.http.problem import problem
from dream_gateway.http.ratelimit import RateLimitHeaders
from dream_gateway.http.request_ids import RequestIds

if TYPE_CHECKING:
    from dream_gateway.edge.gate import Ask, KeyAdmission
    from dream_gateway.edge.routes import Route, RouteTable
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.http.peers import Peer
    from dream_gateway.http.reply import Reply

_LOG = logging.getLogger(__name__)


class Front:
    """The edge's rules. Nothing here waits; used from one event loop."""

    def __init__(
        self, admission: KeyAdmission, routes: RouteTable, options: EdgeOptions | None = None
    ) -> None:
        _check(routes)
        self.options = options or EdgeOptions()
        self.gate = Gate(admission, self.options)
        self.limits = RateLimitHeaders(legacy=self.options.legacy_headers)
        self.forward_auth = ForwardAuth(self.gate, routes, self.limits)
        self._routes = routes
        self._proxies = TrustedProxies(self.options.trusted_proxies)
        self.ids = RequestIds()

    def request_id(self, inbound: Inbound) -> bytes:
        """Return the request's id: its own if that is sane, else a new one."""
        return self.ids.take_over(inbound.fields.get(REQUEST_ID))

    def peer(self, inbound: Inbound) -> Peer:
        """Return who asks."""
        return self._proxies.peer(inbound)

    def ask(self, inbound: Inbound, peer: Peer) -> Ask:
        """Return what admission has to know. Raises the `GatewayError` that refuses the request."""
        return self.gate.ask(self.route(inbound), inbound, peer.address)

    def address(self, inbound: Inbound) -> str | None:
        """Return the address of who really asks."""
        return self.peer(inbound).address

    def template(self, inbound: Inbound) -> str | None:
        """Return what a path is matched by: a route's prefix, and what is below it."""
        if self.is_question(inbound):
            return inbound.path
        with suppress(GatewayError):
            return self.route(inbound).prefix.rstrip("/") + "/*"
        return None

    def is_question(self, inbound: Inbound) -> bool:
        """Tell whether a request is forward-auth's."""
        return inbound.path == self.options.forward_auth

    def problem(self, cause: Exception, inbound: Inbound, request_id: bytes) -> Reply:
        """Return the answer for a refusal or a failure; what nobody expected is logged."""
        error = _error(cause, request_id)
        answer = problem(
            error,
            instance=inbound.raw_path.decode("ascii", "replace"),
            request_id=request_id.decode("ascii"),
        )
        if isinstance(cause, DeniedError):
            self.limits.add(answer.headers, cause.verdict)
            if answer.status == 429 and self.is_question(inbound):
                return answer._replace(status=self.options.status_for_limit)
        return answer

    def route(self, inbound: Inbound) -> Route:
        """Return where a request leads. Raises the `GatewayError` that refuses it."""
        path, method = inbound.path, inbound.method
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


def _error(cause: Exception, request_id: bytes) -> GatewayError:
    if not isinstance(cause, (GatewayError, DeniedError)):
        _LOG.error("request %s failed inside the gateway", request_id.decode(), exc_info=cause)
    return error_of(cause)


def _check(routes: RouteTable) -> None:
    for route in routes.routes:
        if not route.upstreams:
            raise ConfigurationError(f"The route {route.prefix} has no upstream.")
        for url in route.upstreams:
            parse_origin(url)

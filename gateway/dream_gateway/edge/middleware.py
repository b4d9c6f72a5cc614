"""The gateway in front of an ASGI application in the same process.

For FastAPI, Starlette, Litestar, Django's ASGI handler, and anything else that speaks ASGI 3.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dream_gateway.edge.fields import REQUEST_ID, add_identity, is_ours
from dream_gateway.edge.gate import DeniedError, Gate
from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.routes import Route, RouteTable, has_dot_segments
from dream_gateway.edge.websocket import refuse
from dream_gateway.errors import (
    BadRequestError,
    ConfigurationError,
    GatewayError,
    MethodNotAllowedError,
)
from dream_gateway.http.asgi import header, raw_path
from dream_gateway.http.inbound import from_scope
from dream_gateway.http.peers import TrustedProxies
from dream_gateway.http.problem import problem
from dream_gateway.http.ratelimit import RateLimitHeaders
from dream_gateway.http.request_ids import RequestIds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from dream_gateway.edge.gate import Ask, KeyAdmission
    from dream_gateway.http.asgi import App, Headers, Message, Receive, Scope, Send
    from dream_gateway.http.reply import Reply
    from dream_gateway.model import Verdict

    class StartsAndCloses(Protocol):
        """What the middleware needs of `dream_gateway.gateway.Gateway`."""

        @property
        def admission(self) -> KeyAdmission:
            """Who decides; there from `start` on."""
            ...

        async def start(self) -> None:
            """Open what it needs."""
            ...

        async def close(self) -> None:
            """Finish and release everything."""
            ...


_LOG = logging.getLogger(__name__)

SCOPE_KEY = "dream_gateway"
"""Where the application finds the `Verdict` of its request: `scope["dream_gateway"]`."""


class GatewayMiddleware:
    """Admits requests before `app` sees them.

    Paths that are, or lie below, one of `exempt` need no key. `routes` say what paths cost, which
    scopes they need and which are public; without it every request costs one unit. The application
    finds the verdict in `scope["dream_gateway"]` and in `scope["state"]`, and the customer in the
    `X-Dream-*` fields. The server's lifespan starts and closes `gateway`.
    """

    def __init__(
        self,
        app: App,
        *,
        gateway: StartsAndCloses,
        exempt: Iterable[str] = (),
        routes: RouteTable | None = None,
        options: EdgeOptions | None = None,
    ) -> None:
        self._app = app
        self._gateway = gateway
        self._options = options or EdgeOptions()
        self._exempt = _exemptions(exempt)
        self._routes = routes
        self._default = Route()
        self._limits = RateLimitHeaders(legacy=self._options.legacy_headers)
        self._proxies = TrustedProxies(self._options.trusted_proxies)
        self._ids = RequestIds()
        self._gate: Gate | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] in {"http", "websocket"}:
            await self._guard(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._ids.take_over(header(scope["headers"], REQUEST_ID))
        try:
            ask, verdict = await self._admit(scope)
        except (GatewayError, DeniedError) as exc:
            await self._refuse(scope, receive, send, self._problem(exc, scope, request_id))
            return
        except Exception:  # noqa: BLE001 # nothing of ours may get past here to the server
            _LOG.exception("request %s failed inside the gateway", request_id.decode())
            answer = self._problem(GatewayError(), scope, request_id)
            await self._refuse(scope, receive, send, answer)
            return
        answering = _Answering(self, send, ask, verdict, request_id)
        try:
            await self._app(_for_app(scope, verdict, request_id), receive, answering)
        except Exception:
            if not answering.failed:
                self._open_gate().refund(ask, verdict)
            raise

    async def _admit(self, scope: Scope) -> tuple[Ask, Verdict]:
        gate, inbound = self._open_gate(), from_scope(scope)
        route = self._route(inbound.path, inbound.method)
        ask = gate.ask(route, inbound, self._proxies.peer(inbound).address)
        return ask, gate.try_admit(ask) or await gate.admit(ask)

    def _route(self, path: str, method: str) -> Route:
        if has_dot_segments(path):
            raise BadRequestError("The path has dot segments.")
        if self._exempt is not None:
            exempt = self._exempt.match(path)
            if exempt is not None:
                return exempt
        route = (self._routes.match(path) if self._routes else None) or self._default
        if route.methods and method not in route.methods:
            raise MethodNotAllowedError(headers=(("Allow", ", ".join(sorted(route.methods))),))
        return route

    def _open_gate(self) -> Gate:
        """Return the gate; the gateway has an admission only once it was started."""
        if self._gate is None:
            self._gate = Gate(self._gateway.admission, self._options)
        return self._gate

    def add_headers(
        self, message: Message, ask: Ask, verdict: Verdict, request_id: bytes
    ) -> Message:
        """Return the start of the answer with the gateway's fields; a failed one is given back."""
        if message.get("status", 200) >= 500:
            self._open_gate().refund(ask, verdict)
        headers = [(k, v) for k, v in message.get("headers", ()) if k.lower() != REQUEST_ID]
        self._limits.add(headers, verdict)
        headers.append((REQUEST_ID, request_id))
        return {**message, "headers": headers}

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, answer: Reply) -> None:
        if scope["type"] == "http":
            await answer.send(send)
            return
        await receive()  # the connect message
        await refuse(scope, send, answer)

    def _problem(self, cause: GatewayError | DeniedError, scope: Scope, request_id: bytes) -> Reply:
        error = cause.error() if isinstance(cause, DeniedError) else cause
        answer = problem(
            error,
            instance=raw_path(scope).decode("ascii", "replace"),
            request_id=request_id.decode("ascii"),
        )
        if isinstance(cause, DeniedError):
            self._limits.add(answer.headers, cause.verdict)
        return answer

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start the gateway before the application starts, and close it after it has closed."""
        span = _Lifespan(self._gateway, receive, send)
        try:
            await self._app(scope, span.receive, span.send)
        except Exception:
            if span.completed:
                raise
            # An application without a lifespan raises: the gateway has one all the same.
            _LOG.debug("the application has no lifespan", exc_info=True)
        await span.finish()


class _Answering:
    """Adds the gateway's fields to the application's answer."""

    __slots__ = ("_ask", "_middleware", "_request_id", "_send", "_verdict", "failed")

    def __init__(
        self,
        middleware: GatewayMiddleware,
        send: Send,
        ask: Ask,
        verdict: Verdict,
        request_id: bytes,
    ) -> None:
        self._middleware = middleware
        self._send = send
        self._ask = ask
        self._verdict = verdict
        self._request_id = request_id
        self.failed = False

    async def __call__(self, message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.accept"}:
            self.failed = message.get("status", 200) >= 500
            message = self._middleware.add_headers(
                message, self._ask, self._verdict, self._request_id
            )
        await self._send(message)


class _Lifespan:
    """The server's lifespan, with the gateway's start and close around the application's."""

    def __init__(self, gateway: StartsAndCloses, receive: Receive, send: Send) -> None:
        self._gateway = gateway
        self._receive = receive
        self._send = send
        self._started = False
        self._shutting_down = False
        self.completed = False

    async def receive(self) -> Message:
        """Start the gateway before the application hears of its start."""
        message = await self._receive()
        if message["type"] == "lifespan.startup":
            await self._start()
        elif message["type"] == "lifespan.shutdown":
            self._shutting_down = True
        return message

    async def send(self, message: Message) -> None:
        """Close the gateway before the server hears that the application has closed."""
        self.completed = True
        kind: str = message["type"]
        if kind.startswith("lifespan.shutdown") or kind == "lifespan.startup.failed":
            await self._close()
        await self._send(message)

    async def finish(self) -> None:
        """Play the part of an application that has no lifespan."""
        if self.completed:
            return
        while not self._shutting_down:
            if not self._started:
                await self.receive()
            await self._send({"type": "lifespan.startup.complete"})
            while not self._shutting_down:
                await self.receive()
        await self._close()
        await self._send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        if not self._started:
            await self._gateway.start()
            self._started = True

    async def _close(self) -> None:
        if self._started:
            self._started = False
            await self._gateway.close()


def _exemptions(paths: Iterable[str]) -> RouteTable | None:
    paths = tuple(paths)
    for path in paths:
        if not path.startswith("/"):
            raise ConfigurationError(f"The exempt path {path!r} does not begin with a slash.")
    return RouteTable([Route(path, public=True) for path in paths]) if paths else None


def _for_app(scope: Scope, verdict: Verdict, request_id: bytes) -> Scope:
    """Return the scope the application sees: who the customer is, and nobody's word but ours."""
    headers: Headers = [
        field
        for field in scope["headers"]
        if field[0] != REQUEST_ID and not (field[0].startswith(b"x") and is_ours(field[0]))
    ]
    add_identity(headers, verdict)
    headers.append((REQUEST_ID, request_id))
    inner = {**scope, "headers": headers, SCOPE_KEY: verdict}
    inner["state"] = {**scope.get("state", {}), SCOPE_KEY: verdict}
    return inner

"""The service as an ASGI application: hot paths first, everything else by Starlette's router."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Match, Route, Router

from dream_gateway.http.asgi import pass_lifespan
from dream_gateway.http.peers import TrustedProxies
from dream_gateway.http.ratelimit import RateLimitHeaders
from dream_gateway.http.request_ids import RequestIds
from dream_gateway.service.authentication import Authenticator
from dream_gateway.service.cors import Cors
from dream_gateway.service.dispatch import Dispatcher
from dream_gateway.service.idempotency import Idempotency
from dream_gateway.service.sites import ONLY_BY_TLS, Sites
from dream_gateway.service.standing import Standings
from dream_gateway.service.table import operations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dream_gateway.errors import GatewayError
    from dream_gateway.hookspecs import Site
    from dream_gateway.http.asgi import Receive, Scope, Send
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.http.reply import Reply
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.plain import Block, Line
    from dream_gateway.http1.shortcut import Shortcut
    from dream_gateway.service.dispatch import Methods
    from dream_gateway.service.host import Host
    from dream_gateway.service.operation import Operation


def create_service(gateway: Host) -> Service:
    """Return the service of a gateway; the gateway is the caller's to start and close."""
    limits = RateLimitHeaders(legacy=gateway.settings.legacy_headers)
    standings = Standings(
        gateway.directory,
        gateway.plugins.developer_identities(),
        gateway.settings.operator_tokens,
    )
    dispatcher = Dispatcher(
        Authenticator(gateway.admission.holders, standings),
        Idempotency(gateway.directory, gateway.clock),
        Cors(gateway.directory),
        limits,
        RequestIds(),
    )
    proxies = TrustedProxies(gateway.settings.trusted_proxies)
    # A proxy that ends TLS says so itself.
    fields = ONLY_BY_TLS if gateway.settings.service_tls_certificate else []
    sites = Sites(gateway.sites, proxies, dispatcher, fields)
    return Service(dispatcher, operations(gateway, limits), sites, standings, proxies)


class Service:
    """Finds the path of a request and leaves the rest to the dispatcher."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        table: Iterable[Operation],
        sites: Sites,
        standings: Standings,
        proxies: TrustedProxies,
    ) -> None:
        self.dispatcher = self._dispatcher = dispatcher
        self.standings = standings
        self._sites = sites
        self._proxies = proxies
        table = tuple(table)
        self.operations = table
        self.max_body = max((each.max_body for each in table), default=0)
        """Bytes: no operation takes a longer body."""
        self._express = {
            (each.method.encode(), each.path.encode()): each.express
            for each in table
            if each.express is not None
        }
        self._hot = _by_path(each for each in table if each.hot and "{" not in each.path)
        self._hot_patterns = [
            _Pattern(path, methods)
            for path, methods in _by_path(e for e in table if e.hot and "{" in e.path).items()
        ]
        cold = _by_path(each for each in table if not each.hot)
        self._cold = [Route(path, _PathApp(dispatcher, methods)) for path, methods in cold.items()]
        self._router = Router(
            self._cold,
            redirect_slashes=False,
            default=_PathApp(dispatcher, None),
        )

    def mount(self, site: Site) -> None:
        """Serve a site beside those of plugins; the operations below its prefixes stay."""
        self._sites.add(site, self.operations)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's lifespan, which is not ours to use."""
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        elif kind == "lifespan":
            await pass_lifespan(receive, send)
        else:
            raise RuntimeError(f"The service does not serve {kind!r} scopes.")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        hot = self._find_hot(scope["path"])
        site = self._sites.find(scope["path"])
        if hot is not None:
            await self._dispatcher.respond(scope, receive, send, *hot)
        elif site is not None:
            await self._sites.respond(site, scope, receive, send)
        else:
            await self._router(scope, receive, send)

    def _find_hot(self, path: str) -> tuple[Methods, Mapping[str, str]] | None:
        methods = self._hot.get(path)
        if methods is not None:
            return methods, {}
        for pattern in self._hot_patterns:
            value = pattern.match(path)
            if value:
                return pattern.methods, {pattern.name: value}
        return None

    def shortcut(self, client: HttpConnection, line: Line, block: Block) -> Shortcut | None:
        """Return what answers plain requests from memory, `None` if nothing does."""
        express = self._express.get((line.method, line.target))
        if express is None or block.length:
            return None
        next_id = self._dispatcher.ids.source(block.fields.get(b"x-request-id"))
        return express(client, block.fields, next_id)

    def try_respond(self, inbound: Inbound, body: bytes) -> Reply | None:
        """Answer a hot request from memory; `None` when that takes a store. Never blocks."""
        methods = self._hot.get(inbound.path)
        operation = None if methods is None else methods.get(inbound.method)
        if operation is None or operation.quick is None:
            return None
        return self._dispatcher.try_respond(operation, operation.quick, inbound, body)

    async def respond(self, inbound: Inbound, receive: Receive) -> Reply | None:
        """Answer a hot request; `None` for any other, which is for the ASGI application."""
        hot = self._find_hot(inbound.path)
        return None if hot is None else await self._dispatcher.answer(inbound, receive, *hot)

    def template(self, inbound: Inbound) -> str | None:
        """Return what a path is matched by: an operation's template, or all below a site's prefix."""
        hot = self._find_hot(inbound.path)
        if hot is not None:
            return _path_of(hot[0])
        prefix = self._sites.prefix(inbound.path)
        if prefix is not None:
            return prefix if inbound.path == prefix else prefix + "/*"
        scope = {"type": "http", "method": inbound.method, "path": inbound.path}
        matches = (r.path for r in self._cold if r.matches(scope)[0] is not Match.NONE)
        return next(matches, None)

    def address(self, inbound: Inbound) -> str | None:
        """Return the address of who really asks."""
        return self._proxies.peer(inbound).address

    def problem(self, error: GatewayError, inbound: Inbound) -> Reply:
        """Return the answer for what never became a request."""
        return self._dispatcher.refuse(error, inbound)


class _Pattern:
    """A hot path with one parameter in it."""

    __slots__ = ("_prefix", "_suffix", "methods", "name")

    def __init__(self, path: str, methods: Methods) -> None:
        self._prefix, _, rest = path.partition("{")
        self.name, _, self._suffix = rest.partition("}")
        self.methods = methods

    def match(self, path: str) -> str | None:
        """Return the parameter's value if the path is of this pattern."""
        if not (path.startswith(self._prefix) and path.endswith(self._suffix)):
            return None
        value = path[len(self._prefix) : len(path) - len(self._suffix)]
        return None if "/" in value else value


class _PathApp:
    """One path as the ASGI application that Starlette's router calls."""

    def __init__(self, dispatcher: Dispatcher, methods: Methods | None) -> None:
        self._dispatcher = dispatcher
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parameters = scope.get("path_params", {})
        await self._dispatcher.respond(scope, receive, send, self._methods, parameters)


def _path_of(methods: Methods) -> str:
    return next(iter(methods.values())).path


def _by_path(table: Iterable[Operation]) -> dict[str, Methods]:
    paths: dict[str, Methods] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method] = operation
    return paths

"""Puts the two planes together from a gateway: the edge with its routes, and the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.dashboard.lazy import LazyDashboard
from dream_gateway.edge.app import Edge
from dream_gateway.edge.http_upstream import HttpUpstream
from dream_gateway.edge.options import EdgeOptions
from dream_gateway.edge.protocol import EdgeProtocols
from dream_gateway.edge.routes import Route, RouteTable
from dream_gateway.http1.secured import SecuredProtocols
from dream_gateway.http1.watch import Watch
from dream_gateway.service.app import create_service
from dream_gateway.service.documentation import Documentation
from dream_gateway.service.protocol import ServiceProtocols
from dream_gateway.service.stored import StoredDirectory
from dream_gateway.settings import RouteSettings

if TYPE_CHECKING:
    import asyncio
    import socket
    import ssl
    from collections.abc import Callable

    from dream_gateway.gateway import Gateway
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.server.serving import Planes
    from dream_gateway.service.app import Service
    from dream_gateway.settings import Settings


class ServiceHost:
    """A started gateway, as the service wants it."""

    def __init__(self, gateway: Gateway) -> None:
        self.admission = gateway.admission
        self.directory = StoredDirectory(gateway.records)
        self.plugins = gateway.plugins
        self.sites = gateway.sites
        self.exchanges = gateway.plugins.code_exchanges()
        self.settings = gateway.settings
        self.clock = gateway.clock
        self.billing = gateway.billing
        self.health = gateway.health


class Contexts(NamedTuple):
    """What the two listeners speak TLS by, if they do."""

    edge: ssl.SSLContext | None = None
    service: ssl.SSLContext | None = None


def add_planes(
    planes: Planes,
    gateway: Gateway,
    edge: socket.socket,
    service: socket.socket,
    watch: Watch | None = None,
    *,
    contexts: Contexts | None = None,
) -> HttpUpstream:
    """Have both planes of a started gateway served; the upstream client is the caller's to close.

    `watch` looks after the connections of both.
    Raises `ConfigurationError` for routes or options that cannot work.
    """
    settings = gateway.settings
    tls = contexts or Contexts()
    upstream = HttpUpstream(max_connections=settings.pool_size)
    app = Edge(
        admission=gateway.admission,
        routes=edge_routes(settings),
        upstream=upstream,
        options=_options(gateway),
    )
    if gateway.rollup is not None:
        gateway.rollup.upstreams = upstream.origins
    watch = watch or Watch()
    if gateway.telemetry is not None:
        gateway.telemetry.add(upstream.origins.measure)
        if watch.access is not None:
            gateway.telemetry.add(watch.access.measure)
    tracer = next(iter(gateway.plugins.tracers()), None)
    edge_protocols = EdgeProtocols(app.front, upstream.origins, watch, tracer)
    control = open_service(gateway)
    service_protocols = ServiceProtocols(control, watch, tracer)
    for tracing in (edge_protocols.tracing, service_protocols.tracing):
        if tracing is not None:
            tracing.start()
    planes.add(app, edge, _secured(edge_protocols, tls.edge, watch))
    planes.add(control, service, _secured(service_protocols, tls.service, watch))
    return upstream


def _secured(
    protocols: Callable[..., HttpConnection], context: ssl.SSLContext | None, watch: Watch
) -> Callable[..., asyncio.Protocol]:
    """Return what makes connections that speak TLS, or those that were given, as they are."""
    return protocols if context is None else SecuredProtocols(protocols, context, watch)


def open_service(gateway: Gateway) -> Service:
    """Return the service of a started gateway, with the dashboard if that is to be served."""
    service = create_service(ServiceHost(gateway))
    service.mount(Documentation())
    if gateway.settings.dashboard:
        service.mount(LazyDashboard(gateway, service))
    return service


def edge_routes(settings: Settings) -> RouteTable:
    """Return the file's routes, and one for everything else if the setting `upstream` is given.

    Raises `ConfigurationError` for routes that cannot work.
    """
    tables = settings.routes
    if settings.upstream and all(table.prefix != "/" for table in tables):
        tables = (*tables, RouteSettings())
    return RouteTable(_route(settings, table) for table in tables)


def _route(settings: Settings, table: RouteSettings) -> Route:
    """Return a route with what its table leaves open filled in from the settings."""
    return Route(
        prefix=table.prefix,
        upstreams=table.upstreams or ((settings.upstream,) if settings.upstream else ()),
        strip_prefix=table.strip_prefix,
        cost=table.cost,
        scopes=table.scopes,
        methods=frozenset(method.upper() for method in table.methods),
        connect_timeout=table.connect_timeout or settings.connect_timeout,
        read_timeout=table.read_timeout or settings.read_timeout,
        write_timeout=table.write_timeout or settings.write_timeout,
        max_body=settings.max_body if table.max_body is None else table.max_body,
        retries=table.retries,
        charge=table.charge or settings.charge,
        on_store_failure=table.on_store_failure,
        keep_credential=table.keep_credential,
        preserve_host=table.preserve_host,
        public=table.public,
        preflight=table.preflight,
    )


def _options(gateway: Gateway) -> EdgeOptions:
    settings = gateway.settings
    return EdgeOptions(
        trusted_proxies=settings.trusted_proxies,
        legacy_headers=settings.legacy_headers,
        query_parameter=settings.query_parameter or None,
        status_for_limit=settings.authorize_limit_status,
        observers=gateway.plugins.verdict_observers(),
        costs=gateway.plugins.request_costs(),
    )

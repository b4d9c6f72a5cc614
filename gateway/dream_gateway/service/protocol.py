"""The service below ASGI: a protocol class for uvicorn that answers hot requests on the spot.

Every other request is read whole, which the operations' limits keep small, and answered in a task: a
hot one by its operation, the rest by the ASGI application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.http1.connection import HttpConnection
from dream_gateway.http1.exchange import Prepared
from dream_gateway.http1.noting import Noting
from dream_gateway.http1.request import unread
from dream_gateway.http1.tracing import PARENT, Tracing, is_sampled
from dream_gateway.http1.watch import Watch
from dream_gateway.service.exchange import ServiceCall
from dream_gateway.service.tracing import TracedCall

if TYPE_CHECKING:
    import asyncio

    from dream_gateway.errors import GatewayError
    from dream_gateway.hookspecs import Tracer
    from dream_gateway.http1.connection import ServerState
    from dream_gateway.http1.exchange import Exchange
    from dream_gateway.http1.plain import Block, Line
    from dream_gateway.http1.request import Request
    from dream_gateway.http1.shortcut import Shortcut
    from dream_gateway.service.app import Service


class ServiceProtocols:
    """Makes the protocols of one worker: what uvicorn's `http` setting calls for each connection."""

    def __init__(
        self, service: Service, watch: Watch | None = None, tracer: Tracer | None = None
    ) -> None:
        self.service = service
        self.watch = watch or Watch()
        self.tracing = None if tracer is None else Tracing(tracer, service, self.watch)
        self._kind = _KINDS[self.watch.access is not None, self.tracing is not None]

    def __call__(
        self,
        config: object,
        server_state: ServerState,
        app_state: object,
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> ServiceProtocol:
        """Return the protocol of a new connection."""
        del config, app_state, _loop
        return self._kind(self, server_state)


class ServiceProtocol(HttpConnection):
    """One connection to the service."""

    __slots__ = ("_service",)

    def __init__(self, plane: ServiceProtocols, state: ServerState) -> None:
        super().__init__(plane.watch, state)
        self._service = plane.service

    def accept(self, request: Request) -> Exchange:
        """Serve any request."""
        return ServiceCall(self, request, self._service)

    def shortcut(self, line: Line, block: Block) -> Shortcut | None:
        """Return what answers plain charges from memory."""
        return self._service.shortcut(self, line, block)

    def refuse(self, error: GatewayError) -> Exchange:
        """Answer what is not a request."""
        request = unread()
        return Prepared(self, request, self._service.problem(error, request))


class TracedService(ServiceProtocol):
    """One connection of which some requests are traced; without a tracer there are none of this kind."""

    __slots__ = ("_tracing",)

    def __init__(self, plane: ServiceProtocols, state: ServerState) -> None:
        super().__init__(plane, state)
        self._tracing = plane.tracing

    def accept(self, request: Request) -> Exchange:
        """Serve any request, and trace those that are to be."""
        trace = None if self._tracing is None else self._tracing.begin(request)
        if trace is None:
            return super().accept(request)
        return TracedCall(self, request, self._service, trace)

    def shortcut(self, line: Line, block: Block) -> Shortcut | None:
        """Return what answers plain charges from memory; none that is traced."""
        if is_sampled(block.fields.get(PARENT)):
            return None
        return super().shortcut(line, block)


class NotedService(Noting, ServiceProtocol):
    """One connection whose requests are noted in the access log."""

    __slots__ = ()


class NotedTracedService(Noting, TracedService):
    """One connection whose requests are noted, and some of them traced."""

    __slots__ = ()


_KINDS: dict[tuple[bool, bool], type[ServiceProtocol]] = {
    (False, False): ServiceProtocol,
    (False, True): TracedService,
    (True, False): NotedService,
    (True, True): NotedTracedService,
}
"""The kind of connection by whether there is an access log, and a tracer."""

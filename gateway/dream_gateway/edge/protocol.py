"""The edge below ASGI: a protocol class for uvicorn that serves its requests in callbacks.

Given to uvicorn as `http=`, it takes the place of uvicorn's own HTTP protocol and of the ASGI edge; both
edges share their rules, and the tests. See `docs/decisions/protocol.md` for what it is worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.edge.express import Express
from dream_gateway.edge.questions import Question
from dream_gateway.edge.relay import Relay
from dream_gateway.edge.tracing import TracedQuestion, TracedRelay, TracedTunnel
from dream_gateway.edge.tunnel import Tunnel
from dream_gateway.http1.connection import HttpConnection
from dream_gateway.http1.exchange import Prepared
from dream_gateway.http1.noting import Noting
from dream_gateway.http1.request import unread
from dream_gateway.http1.tracing import PARENT, Tracing, is_sampled
from dream_gateway.http1.watch import Watch

if TYPE_CHECKING:
    import asyncio

    from dream_gateway.edge.front import Front
    from dream_gateway.edge.origins import Origins
    from dream_gateway.errors import GatewayError
    from dream_gateway.hookspecs import Trace, Tracer
    from dream_gateway.http1.connection import ServerState
    from dream_gateway.http1.exchange import Exchange
    from dream_gateway.http1.plain import Block, Line
    from dream_gateway.http1.request import Request
    from dream_gateway.http1.shortcut import Shortcut


class EdgeProtocols:
    """Makes the protocols of one worker: what uvicorn's `http` setting calls for each connection."""

    def __init__(
        self,
        front: Front,
        origins: Origins,
        watch: Watch | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.front = front
        self.origins = origins
        self.watch = watch or Watch()
        self.tracing = None if tracer is None else Tracing(tracer, front, self.watch)
        self.express = Express(front, origins)
        self._kind = EdgeProtocol if self.watch.access is None else NotedEdge

    def __call__(
        self,
        config: object,
        server_state: ServerState,
        app_state: object,
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> EdgeProtocol:
        """Return the protocol of a new connection."""
        del config, app_state, _loop
        return self._kind(self, server_state)


class EdgeProtocol(HttpConnection):
    """One connection to the edge."""

    __slots__ = ("_plane",)

    def __init__(self, plane: EdgeProtocols, state: ServerState) -> None:
        super().__init__(plane.watch, state)
        self._plane = plane

    def accept(self, request: Request) -> Exchange:
        """Serve forward-auth's questions, WebSockets, and everything else by relaying it."""
        plane = self._plane
        if plane.tracing is not None:
            trace = plane.tracing.begin(request)
            if trace is not None:
                return self._traced(request, trace)
        if request.path == plane.front.options.forward_auth:
            return Question(self, request, plane.front)
        if request.upgrade:
            return Tunnel(self, request, plane.front, plane.origins)
        return Relay(self, request, plane.front, plane.origins)

    def shortcut(self, line: Line, block: Block) -> Shortcut | None:
        """Return what answers plain requests, or sends them on, from memory; none that is traced."""
        plane = self._plane
        if plane.tracing is not None and is_sampled(block.fields.get(PARENT)):
            return None
        return plane.express.shortcut(self, line, block)

    def refuse(self, error: GatewayError) -> Exchange:
        """Answer what is not a request."""
        request, front = unread(), self._plane.front
        reply = front.problem(error, request, front.request_id(request))
        return Prepared(self, request, reply)

    def _traced(self, request: Request, trace: Trace) -> Exchange:
        plane = self._plane
        if plane.front.is_question(request):
            return TracedQuestion(self, request, plane.front, trace)
        kind = TracedTunnel if request.upgrade else TracedRelay
        return kind(self, request, plane.front, plane.origins, trace)


class NotedEdge(Noting, EdgeProtocol):
    """One connection whose requests are noted in the access log."""

    __slots__ = ()

"""The edge below ASGI: a protocol class for uvicorn that serves its requests in callbacks.

Given to uvicorn as `http=`, it takes the place of uvicorn's own HTTP protocol and of the ASGI edge; both
edges share their rules, and the tests. See `docs/decisions/protocol.md` for what it is worth.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dream_gateway.edge.express import Express
from dream_gateway.edge.gate import DeniedError
from dream_gateway.edge.relay import Relay
from dream_gateway.edge.tunnel import Tunnel
from dream_gateway.http1.access import Charge
from dream_gateway.http1.connection import HttpConnection
from dream_gateway.http1.exchange import Brief, Prepared, answer
from dream_gateway.http1.noting import Noting
from dream_gateway.http1.request import unread
from dream_gateway.http1.watch import Watch

if TYPE_CHECKING:
    from dream_gateway.edge.front import Front
    from dream_gateway.edge.gate import Ask
    from dream_gateway.edge.origins import Origins
    from dream_gateway.errors import GatewayError
    from dream_gateway.http.reply import Reply
    from dream_gateway.http1.connection import ServerState
    from dream_gateway.http1.exchange import Exchange
    from dream_gateway.http1.plain import Block, Line
    from dream_gateway.http1.request import Request
    from dream_gateway.http1.shortcut import Shortcut
    from dream_gateway.model import Verdict


class EdgeProtocols:
    """Makes the protocols of one worker: what uvicorn's `http` setting calls for each connection."""

    def __init__(self, front: Front, origins: Origins, watch: Watch | None = None) -> None:
        self.front = front
        self.origins = origins
        self.watch = watch or Watch()
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
        if request.path == plane.front.options.forward_auth:
            return Question(self, request, plane.front)
        if request.upgrade:
            return Tunnel(self, request, plane.front, plane.origins)
        return Relay(self, request, plane.front, plane.origins)

    def shortcut(self, line: Line, block: Block) -> Shortcut | None:
        """Return what answers plain requests, or sends them on, from memory."""
        return self._plane.express.shortcut(self, line, block)

    def refuse(self, error: GatewayError) -> Exchange:
        """Answer what is not a request."""
        request, front = unread(), self._plane.front
        reply = front.problem(error, request, front.request_id(request))
        return Prepared(self, request, reply)


class NotedEdge(Noting, EdgeProtocol):
    """One connection whose requests are noted in the access log."""

    __slots__ = ()


class Question(Brief):
    """A question of forward-auth's: see `dream_gateway.edge.forward_auth`."""

    __slots__ = ("_front", "_request_id", "_task", "_verdict")

    def __init__(self, client: HttpConnection, request: Request, front: Front) -> None:
        super().__init__(client, request)
        self._verdict: Verdict | None = None
        self._front = front
        self._task: asyncio.Task[None] | None = None
        self._request_id = b""

    def start(self) -> None:
        """Answer from memory, and ask the store only if memory cannot say."""
        front, request = self._front, self.request
        self._request_id = front.request_id(request)
        try:
            ask = front.forward_auth.ask(request, front.peer(request).address)
            verdict = front.gate.try_admit(ask)
            if verdict is None:
                self._task = asyncio.get_running_loop().create_task(self._admit(ask))
                return
            self._verdict = verdict
            reply = front.forward_auth.admitted(verdict, self._request_id)
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the transport
            reply = self._problem(exc)
        answer(self.client, self, reply, ends=not self.whole)

    async def _admit(self, ask: Ask) -> None:
        front = self._front
        try:
            verdict = self._verdict = await front.gate.admit(ask)
            reply = front.forward_auth.admitted(verdict, self._request_id)
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the event loop
            reply = self._problem(exc)
        answer(self.client, self, reply, ends=not self.whole)

    def _problem(self, cause: Exception) -> Reply:
        if isinstance(cause, DeniedError):
            self._verdict = cause.verdict
        return self._front.problem(cause, self.request, self._request_id)

    def charge(self) -> Charge:
        """Return whom the question was charged to."""
        return Charge(self._verdict, None)

    def lost(self) -> None:
        """Give up."""
        if self._task is not None:
            self._task.cancel()

"""The edge as an ASGI application: a request in, its answer or a problem out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.edge.front import Front
from dream_gateway.edge.proxy import Proxy
from dream_gateway.edge.websocket import INTERNAL, RefusedUpgradeError, WebSocketRelay, refuse
from dream_gateway.http.asgi import pass_lifespan
from dream_gateway.http.inbound import from_scope

if TYPE_CHECKING:
    from dream_gateway.edge.gate import KeyAdmission
    from dream_gateway.edge.options import EdgeOptions
    from dream_gateway.edge.routes import RouteTable
    from dream_gateway.edge.upstream import Upstream
    from dream_gateway.http.asgi import Message, Receive, Scope, Send
    from dream_gateway.http.inbound import Inbound


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
        self.front = front = Front(admission, routes, options)
        self._proxy = Proxy(front.gate, upstream, front.limits, front.options.patience)
        self._sockets = WebSocketRelay(front.gate, front.limits, front.options.websocket_message)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or the server's lifespan, which is not ours to use."""
        kind = scope["type"]
        if kind == "http":
            await self._http(from_scope(scope), receive, send, self._proxy)
        elif kind == "websocket":
            await self._websocket(scope, receive, send, self._sockets)
        elif kind == "lifespan":
            await pass_lifespan(receive, send)
        else:
            raise RuntimeError(f"The edge does not serve {kind!r} scopes.")

    async def _http(self, inbound: Inbound, receive: Receive, send: Send, proxy: Proxy) -> None:
        front = self.front
        request_id = front.request_id(inbound)
        outbound = _Outbound(send)
        try:
            peer = front.peer(inbound)
            if front.is_question(inbound):
                answer = await front.forward_auth.answer(inbound, peer.address, request_id)
                await answer.send(outbound)
                return
            await proxy.relay(
                inbound,
                receive,
                outbound,
                ask=front.ask(inbound, peer),
                request_id=request_id,
                trusted=peer.trusted,
            )
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the server
            problem = front.problem(exc, inbound, request_id)
            if not outbound.started:
                await problem.send(send)

    async def _websocket(
        self, scope: Scope, receive: Receive, send: Send, sockets: WebSocketRelay
    ) -> None:
        front = self.front
        inbound = from_scope(scope)
        request_id = front.request_id(inbound)
        outbound = _Outbound(send)
        try:
            await receive()  # the connect message, which says nothing
            peer = front.peer(inbound)
            await sockets.relay(
                scope,
                receive,
                outbound,
                ask=front.ask(inbound, peer),
                request_id=request_id,
                trusted=peer.trusted,
            )
        except RefusedUpgradeError as exc:
            await refuse(scope, send, exc.answer(request_id))
        except Exception as exc:  # noqa: BLE001 # nothing may get past here to the server
            problem = front.problem(exc, inbound, request_id)
            if outbound.started:
                await send({"type": "websocket.close", "code": INTERNAL})
            else:
                await refuse(scope, send, problem)


class _Outbound:
    """Passes messages on and knows whether the answer began: after that no other can be given."""

    __slots__ = ("_send", "started")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        self.started = True
        await self._send(message)

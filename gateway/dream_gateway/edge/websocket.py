"""WebSockets through the gateway (RFC 6455): admitted, and accepted once the upstream has.

Then their messages are relayed (`dream_gateway.edge.websocket_messages`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    ProtocolError,
)

from dream_gateway.edge import wire
from dream_gateway.edge.fields import downstream_headers, upstream_headers
from dream_gateway.edge.origin import parse_origin
from dream_gateway.edge.proxy import target
from dream_gateway.edge.websocket_messages import relay_messages
from dream_gateway.errors import (
    BadRequestError,
    GatewayError,
    UpstreamError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from dream_gateway.http.inbound import from_scope
from dream_gateway.http.reply import Reply
from dream_gateway.http1.heads import SWITCHING_PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.asyncio.client import ClientConnection
    from websockets.datastructures import Headers as WireHeaders
    from websockets.typing import Subprotocol

    from dream_gateway.edge.gate import Ask, Gate
    from dream_gateway.edge.origin import Origin
    from dream_gateway.http.asgi import Headers, Receive, Scope, Send
    from dream_gateway.http.ratelimit import RateLimitHeaders
    from dream_gateway.model import Verdict

POLICY = 1008
INTERNAL = 1011


class UpstreamConnect(connect):
    """Goes where the route says: an upstream's redirect is the client's to follow, not ours."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Take a redirect as a refusal."""
        return exc


class RefusedUpgradeError(Exception):
    """The upstream answered the handshake with an ordinary response."""

    def __init__(self, status: int, fields: Headers, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self._fields = fields
        self._body = body

    def answer(self, request_id: bytes) -> Reply:
        """Return that response, fit for the client."""
        headers = downstream_headers(self.status, self._fields, request_id, [])
        headers = [field for field in headers if field[0] != b"content-length"]
        headers.append((b"content-length", b"%d" % len(self._body)))
        return Reply(self.status, headers, self._body)


class WebSocketRelay:
    """Relays messages both ways. `limit` is the longest message, in bytes."""

    __slots__ = ("_gate", "_limit", "_limits")

    def __init__(self, gate: Gate, limits: RateLimitHeaders, limit: int) -> None:
        self._gate = gate
        self._limits = limits
        self._limit = limit

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
        """Serve one WebSocket whose connect message was received.

        Raises `GatewayError`, `DeniedError` and `RefusedUpgradeError` only before it is accepted.
        """
        inbound = from_scope(scope)
        path = target(inbound, ask.route, ask.found, self._gate.parameter)
        verdict = self._gate.try_admit(ask) or await self._gate.admit(ask)
        headers = upstream_headers(
            inbound,
            None if ask.route.keep_credential else ask.found,
            verdict,
            request_id,
            self._gate.forwarding,
            trusted=trusted,
        )
        headers = [field for field in headers if not field[0].startswith(b"sec-websocket-")]
        try:
            upstream = await self._connect(scope, ask, path, headers)
        except (GatewayError, RefusedUpgradeError) as exc:
            if isinstance(exc, GatewayError) or exc.status >= 500:
                self._gate.refund(ask, verdict)
            raise
        try:
            await send(
                {
                    "type": "websocket.accept",
                    "subprotocol": upstream.subprotocol,
                    "headers": self._accept_headers(upstream, verdict, request_id),
                }
            )
            await relay_messages(upstream, receive, send, self._limit)
        finally:
            upstream.transport.abort()

    def _accept_headers(
        self, upstream: ClientConnection, verdict: Verdict, request_id: bytes
    ) -> Headers:
        fields = [
            field
            for field in (_raw(upstream.response.headers) if upstream.response else ())
            if not field[0].startswith(b"sec-websocket-")
            and field[0] not in {b"date", b"server", b"content-length"}
        ]
        limits: Headers = []
        self._limits.add(limits, verdict)
        return downstream_headers(SWITCHING_PROTOCOLS, fields, request_id, limits)

    async def _connect(
        self, scope: Scope, ask: Ask, path: bytes, headers: Headers
    ) -> ClientConnection:
        """Return a connection to the first of the route's upstreams that can be connected to."""
        failure: GatewayError = UpstreamUnreachableError()
        for url in ask.route.upstreams:
            origin = parse_origin(url)
            host = _own_host(scope) if ask.route.preserve_host else None
            host = host or origin.authority
            asked = origin.base + path
            wire.request_head(b"GET", asked, host, headers, b"")  # checks every part of it
            dial = self._dial(origin, host, asked, headers, scope.get("subprotocols") or ())
            dial.open_timeout = ask.route.connect_timeout
            try:
                return await _handshake(dial)
            except UpstreamUnreachableError as exc:
                failure = exc
        raise failure

    def _dial(
        self,
        origin: Origin,
        host: bytes,
        asked: bytes,
        headers: Headers,
        subprotocols: Sequence[str],
    ) -> UpstreamConnect:
        scheme = "wss" if origin.tls else "ws"
        place: dict[str, Any] = {"host": origin.host, "port": origin.port}
        if origin.socket is not None:
            place = {"unix": True, "path": origin.socket}
        if origin.tls:
            place["server_hostname"] = origin.host
        try:
            return UpstreamConnect(
                f"{scheme}://{host.decode('latin-1')}{asked.decode('ascii')}",
                subprotocols=_subprotocols(subprotocols),
                additional_headers=[(k.decode("ascii"), v.decode("latin-1")) for k, v in headers],
                compression=None,  # the hop to the upstream is short, and the client's has its own
                user_agent_header=None,
                proxy=None,
                max_size=self._limit,
                **place,
            )
        except ValueError as exc:
            raise BadRequestError("The WebSocket's address cannot be read.") from exc


async def refuse(scope: Scope, send: Send, answer: Reply) -> None:
    """Refuse a WebSocket before it is accepted: with the problem itself where the server can."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        code = INTERNAL if answer.status >= 500 else POLICY
        await send({"type": "websocket.close", "code": code, "reason": ""})
        return
    await send(
        {
            "type": "websocket.http.response.start",
            "status": answer.status,
            "headers": answer.headers,
        }
    )
    await send({"type": "websocket.http.response.body", "body": answer.body})


async def _handshake(dial: UpstreamConnect) -> ClientConnection:
    try:
        return await dial
    except InvalidStatus as exc:
        raise _refused(exc) from exc
    except TimeoutError as exc:
        raise UpstreamTimeoutError from exc
    except OSError as exc:
        raise UpstreamUnreachableError from exc
    except (InvalidHandshake, InvalidMessage, ProtocolError, EOFError, ConnectionClosed) as exc:
        raise UpstreamError from exc


def _refused(invalid: InvalidStatus) -> RefusedUpgradeError | UpstreamError:
    response = invalid.response
    if not 200 <= response.status_code <= 599:
        return UpstreamError()
    fields = _raw(response.headers)
    return RefusedUpgradeError(response.status_code, fields, bytes(response.body or b""))


def _raw(fields: WireHeaders) -> Headers:
    return [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in fields.raw_items()]


def _subprotocols(names: Sequence[str]) -> list[Subprotocol] | None:
    return [*names] or None  # type: ignore[list-item] # a NewType of str


def _own_host(scope: Scope) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == b"host"), None)

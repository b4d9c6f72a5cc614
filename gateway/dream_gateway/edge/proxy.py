"""One request through the gateway: admitted, sent upstream, and its answer streamed back."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from dream_gateway.edge.fields import downstream_headers, upstream_headers
from dream_gateway.edge.request_body import (
    ClientGoneError,
    Departure,
    RequestBody,
    declared_length,
    has_body,
)
from dream_gateway.edge.routes import strip_prefix
from dream_gateway.edge.upstream import UpstreamRequest
from dream_gateway.errors import BadRequestError, BodyTooLargeError, GatewayError
from dream_gateway.http.credentials import drop_parameter

if TYPE_CHECKING:
    from dream_gateway.edge.gate import Ask, Gate
    from dream_gateway.edge.routes import Route
    from dream_gateway.edge.upstream import Upstream, UpstreamResponse
    from dream_gateway.http.asgi import Headers, Message, Receive, Send
    from dream_gateway.http.credentials import Found
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.http.ratelimit import RateLimitHeaders
    from dream_gateway.http1.watch import Patience
    from dream_gateway.model import Verdict

_LOG = logging.getLogger(__name__)


class Proxy:
    """Relays admitted requests."""

    __slots__ = ("_gate", "_limits", "_upstream", "patience")

    def __init__(
        self, gate: Gate, upstream: Upstream, limits: RateLimitHeaders, patience: Patience
    ) -> None:
        self.patience = patience
        self._gate = gate
        self._upstream = upstream
        self._limits = limits

    async def relay(
        self,
        inbound: Inbound,
        receive: Receive,
        send: Send,
        *,
        ask: Ask,
        request_id: bytes,
        trusted: bool,
    ) -> None:
        """Serve one request. Raises `GatewayError` and `DeniedError` only before the answer began.

        An answer that breaks off half-way ends without its last message, which makes the server
        close the connection: the client must see that it is cut short.
        """
        route = ask.route
        length = declared_length(inbound.headers)
        if length is not None and length > route.max_body:
            raise BodyTooLargeError
        where = target(inbound, route, ask.found, self._gate.parameter)
        verdict = self._gate.try_admit(ask) or await self._gate.admit(ask)
        headers = upstream_headers(
            inbound,
            None if route.keep_credential else ask.found,
            verdict,
            request_id,
            self._gate.forwarding,
            trusted=trusted,
        )
        request = UpstreamRequest(route, inbound.method, where, headers)
        request.length = length
        if route.preserve_host:
            request.host = inbound.fields.get(b"host")
        await _ProxiedRequest(self, inbound, receive, send).run(request, ask, verdict, request_id)

    def answer_headers(
        self, response: UpstreamResponse, verdict: Verdict, request_id: bytes
    ) -> Headers:
        """Return the fields of the answer to the client."""
        limits: Headers = []
        self._limits.add(limits, verdict)
        return downstream_headers(response.status, response.headers, request_id, limits)

    async def open(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send a request upstream."""
        return await self._upstream.open(request)

    def refund(self, ask: Ask, verdict: Verdict) -> None:
        """Give the charge back, if the route charges for success only."""
        self._gate.refund(ask, verdict)

    def took(self, verdict: Verdict) -> None:
        """Count how long the answer took to begin."""
        self._gate.took(verdict)


class _ProxiedRequest:
    """A request under way, and the watch for its client."""

    __slots__ = ("_departure", "_inbound", "_proxy", "_receive", "_send", "_started", "_task")

    def __init__(self, proxy: Proxy, inbound: Inbound, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("An ASGI application runs in a task.")
        self._proxy = proxy
        self._inbound = inbound
        self._receive = receive
        self._send = _in_time(send, proxy.patience.write)
        self._task = task
        self._departure = Departure(receive, task)
        self._started = False

    async def run(
        self, request: UpstreamRequest, ask: Ask, verdict: Verdict, request_id: bytes
    ) -> None:
        """Relay, until the end, an error, or the client's leaving."""
        proxy = self._proxy
        try:
            await self._add_body(request)
            response = await proxy.open(request)
            proxy.took(verdict)
            try:
                if response.status >= 500:
                    proxy.refund(ask, verdict)
                await self._stream(response, proxy.answer_headers(response, verdict, request_id))
            finally:
                response.close()
        except ClientGoneError:
            return
        except OSError:
            if not self._started:
                raise
            # How a server's `send` says that the client left (ASGI 2.4), and ours that it is too slow.
        except GatewayError as exc:
            proxy.refund(ask, verdict)
            if not self._started:
                raise
            _LOG.warning("answer cut short after it began: %s", exc.code)
        except asyncio.CancelledError:
            if not self._departure.gone:
                raise
            self._task.uncancel()
        finally:
            self._departure.stop()

    async def _add_body(self, request: UpstreamRequest) -> None:
        """Take the first piece of the body along; most bodies are no longer than that."""
        if not has_body(self._inbound.headers, self._inbound.version):
            self._departure.watch()
            return
        seconds = self._proxy.patience.body
        body = RequestBody(self._receive, request.route.max_body, seconds, self._departure)
        request.body = await body.next()
        if not body.done:
            request.more = body
        elif request.length is None and not request.body and request.method in {"GET", "HEAD"}:
            return
        elif request.length is None:
            request.length = len(request.body)

    async def _stream(self, response: UpstreamResponse, headers: Headers) -> None:
        send = self._send
        # Waiting for the first piece before the head would hold an event stream's head back.
        body = b"" if not response.complete else await response.read()
        self._started = True
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        while not response.complete:
            if body:
                await send({"type": "http.response.body", "body": body, "more_body": True})
            body = await response.read()
        body += await response.read()
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _in_time(send: Send, seconds: float) -> Send:
    """Return a `send` that takes a client for gone who does not read; raises `OSError` then."""

    async def send_in_time(message: Message) -> None:
        async with asyncio.timeout(seconds):
            await send(message)

    return send_in_time


def target(inbound: Inbound, route: Route, found: Found | None, parameter: bytes | None) -> bytes:
    """Return what the upstream is asked for: path and query, still percent-encoded."""
    path = inbound.raw_path
    if not path.startswith(b"/"):
        raise BadRequestError("The path does not begin with a slash.")
    if route.strip_prefix:
        path = strip_prefix(path, route.prefix)
    query = inbound.query
    if query and found is not None and found.in_query and parameter and not route.keep_credential:
        query = drop_parameter(query, parameter)
    return path + b"?" + query if query else path

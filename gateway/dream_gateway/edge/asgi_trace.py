"""What is known of one traced request of the ASGI edge: by what the server is told, and what fails."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dream_gateway.edge.gate import DeniedError, error_of
from dream_gateway.edge.websocket_messages import TOO_BIG
from dream_gateway.errors import GatewayError
from dream_gateway.http.problem import code_of
from dream_gateway.http1.exchange import CLIENT_GONE
from dream_gateway.http1.heads import SWITCHING_PROTOCOLS
from dream_gateway.http1.tracing import outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway.hookspecs import Trace
    from dream_gateway.http.asgi import Headers, Message, Receive, Send
    from dream_gateway.model import Verdict

FORBIDDEN = 403
"""What a server answers to a handshake that is refused without an answer of ours (ASGI)."""

SERVICE_RESTART = 1012
"""What a server closes WebSockets with because it ends itself."""


class AsgiTrace:
    """One traced request: what the server is sent passes here, and what a WebSocket receives of it."""

    __slots__ = (
        "_body",
        "_by",
        "_ended",
        "_head",
        "_opened",
        "_receive",
        "_send",
        "_status",
        "code",
        "trace",
        "upstream",
        "verdict",
    )

    def __init__(self, trace: Trace, receive: Receive, send: Send) -> None:
        self.trace = trace
        self.verdict: Verdict | None = None
        self.upstream: str | None = None
        self.code: str | None = None
        self._receive, self._send = receive, send
        self._status: int | None = None
        self._head: Headers = []
        self._body = b""
        self._ended = self._opened = False
        self._by = "upstream"

    async def receive(self) -> Message:
        """Pass a message on, and take note of who ends a WebSocket."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._by = "gateway" if message.get("code") == SERVICE_RESTART else "client"
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on, and take note of the answer."""
        await self._send(message)
        kind = message["type"]
        if kind == "websocket.accept":
            self._head, self._opened = list(message["headers"]), True
            self._end(SWITCHING_PROTOCOLS)
        elif kind == "websocket.close":
            self._close(message)
        elif kind.endswith(".start"):
            self._status, self._head = message["status"], message["headers"]
        elif not message.get("more_body", False):
            self._body = message.get("body", b"")
            self._end(self._status)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Take note of what goes wrong inside of the block."""
        try:
            yield
        except (GatewayError, DeniedError) as exc:
            self.code = error_of(exc).code
            if isinstance(exc, DeniedError):
                self.verdict = exc.verdict
            raise

    def over(self) -> None:
        """End what has not ended: nobody is there any more to be answered, or not with all of it."""
        self._end(None)
        if self._opened:
            self.trace.closed(self._by)

    def _close(self, message: Message) -> None:
        if not self._opened:
            self._end(FORBIDDEN)
        elif message.get("code") == TOO_BIG:
            self._by = "gateway"

    def _end(self, status: int | None) -> None:
        if self._ended:
            return
        self._ended = True
        code = self.code or code_of(self._body) or (CLIENT_GONE if status is None else "allowed")
        request_id = dict(self._head).get(b"x-request-id", b"")
        self.trace.end(outcome(status, code, request_id, self.verdict, self.upstream))

"""The exchanges of the service's requests that are traced: see `dream_gateway.http1.tracing`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import GatewayError
from dream_gateway.http.problem import code_of
from dream_gateway.http1.exchange import CLIENT_GONE
from dream_gateway.http1.tracing import outcome
from dream_gateway.service.exchange import ServiceCall

if TYPE_CHECKING:
    from dream_gateway.hookspecs import Trace
    from dream_gateway.http.reply import Reply
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.request import Request
    from dream_gateway.service.app import Service


class TracedCall(ServiceCall):
    """A call that is traced."""

    __slots__ = ("_trace",)

    def __init__(
        self, client: HttpConnection, request: Request, service: Service, trace: Trace
    ) -> None:
        super().__init__(client, request, service)
        self._trace: Trace | None = trace

    def lost(self) -> None:
        """End the trace: the client is gone."""
        super().lost()
        self._ended(None, CLIENT_GONE)

    def _tell(self, reply: Reply, *, ends: bool = False) -> None:
        super()._tell(reply, ends=ends)
        self._replied(reply)

    async def _respond(self, body: bytes) -> None:
        await super()._respond(body)
        written = self._written
        if written is None:
            return
        if written.is_cut:
            self._ended(None, GatewayError.code)
        else:
            self._replied(written.reply)

    def _replied(self, reply: Reply) -> None:
        self._ended(
            reply.status, code_of(reply.body), dict(reply.headers).get(b"x-request-id", b"")
        )

    def _ended(self, status: int | None, code: str | None, request_id: bytes = b"") -> None:
        trace, self._trace = self._trace, None
        if trace is not None:
            trace.end(outcome(status, code, request_id))

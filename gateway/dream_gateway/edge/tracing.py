"""The exchanges of the edge's requests that are traced: see `dream_gateway.http1.tracing`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.edge.gate import error_of
from dream_gateway.edge.questions import Question
from dream_gateway.edge.relay import Relay
from dream_gateway.edge.tunnel import Tunnel
from dream_gateway.http1.exchange import CLIENT_GONE
from dream_gateway.http1.tracing import outcome, with_trace_fields

if TYPE_CHECKING:
    from dream_gateway.edge.front import Front
    from dream_gateway.edge.gate import Ask
    from dream_gateway.edge.origins import Origins
    from dream_gateway.errors import GatewayError
    from dream_gateway.hookspecs import Trace
    from dream_gateway.http.reply import Reply
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.request import Request
    from dream_gateway.model import Verdict


class _Traced(Relay):
    """Goes before a kind of relay, in the list of bases: the upstream is told of the trace."""

    __slots__ = ()

    _trace: Trace | None

    def __init__(
        self,
        client: HttpConnection,
        request: Request,
        front: Front,
        origins: Origins,
        trace: Trace,
    ) -> None:
        super().__init__(client, request, front, origins)
        self._trace = trace  # type: ignore[misc] # a slot of each kind below

    def head(self) -> None:
        """Take note of when the upstream answers."""
        self._answered()
        super().head()

    def end(self) -> None:
        """End the trace with the answer."""
        status = 0 if self._link is None else self._link.status
        super().end()
        self._ended(status, "allowed")

    def lost(self) -> None:
        """End the trace: the client is gone."""
        super().lost()
        self._ended(None, CLIENT_GONE)

    def _fields(self, ask: Ask, verdict: Verdict) -> bytes:
        if self._trace is not None:
            headers = self.request.headers
            headers[:] = with_trace_fields(headers, self._trace)
        return super()._fields(ask, verdict)

    def _fail(self, cause: Exception) -> None:
        super()._fail(cause)
        error = error_of(cause)
        self._ended(None if self.begun else error.status, error.code)

    def _answered(self) -> None:
        if self._trace is not None and self._link is not None:
            self._trace.answered(self._link.status, self._asked_of() or "")

    def _asked_of(self) -> str | None:
        """Return the URL of the upstream that was asked last, without its query."""
        pool = self._pool or (self._tried[-1] if self._tried else None)
        return None if pool is None else pool.origin.at(self._target)

    def _ended(self, status: int | None, code: str) -> None:
        trace = self._trace
        self._trace = None  # type: ignore[misc] # as above
        if trace is not None:
            trace.end(outcome(status, code, self._request_id, self._verdict, self._asked_of()))


class TracedRelay(_Traced):
    """A relay whose request is traced."""

    __slots__ = ("_trace",)


class TracedTunnel(_Traced, Tunnel):
    """A tunnel whose handshake is traced, and then how long it is open."""

    __slots__ = ("_opened", "_trace")

    def __init__(
        self,
        client: HttpConnection,
        request: Request,
        front: Front,
        origins: Origins,
        trace: Trace,
    ) -> None:
        super().__init__(client, request, front, origins, trace)
        self._opened: Trace | None = None

    def switched(self, rest: bytes) -> None:
        """End the trace of the handshake: it was answered."""
        self._answered()
        super().switched(rest)
        if self._open and self._link is not None:
            self._opened = self._trace
            self._ended(self._link.status, "allowed")

    def failed(self, error: GatewayError) -> None:
        """Take note that the upstream has ended it."""
        super().failed(error)
        self._closed("upstream")

    def lost(self) -> None:
        """Take note that the client has ended it, or this gateway, which is to end."""
        super().lost()
        self._closed("gateway" if self._client.is_draining else "client")

    def _closed(self, by: str) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.closed(by)


class TracedQuestion(Question):
    """A question of forward-auth's that is traced."""

    __slots__ = ("_trace",)

    def __init__(
        self, client: HttpConnection, request: Request, front: Front, trace: Trace
    ) -> None:
        super().__init__(client, request, front)
        self._trace: Trace | None = trace

    def lost(self) -> None:
        """End the trace: the client is gone."""
        super().lost()
        self._ended(None, CLIENT_GONE)

    def _tell(self, reply: Reply, code: str) -> None:
        super()._tell(reply, code)
        self._ended(reply.status, code)

    def _ended(self, status: int | None, code: str) -> None:
        trace, self._trace = self._trace, None
        if trace is not None:
            trace.end(outcome(status, code, self._request_id, self._verdict))

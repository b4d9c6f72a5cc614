"""Which requests are traced, and the exchanges of those: no other request pays anything for it.

A request is traced if its caller says that theirs is (`traceparent`, W3C Trace Context 2), and, of those
that say nothing, as many a second as the tracer wants. For these, now and then, a few connections are
kept from the shortcut once: whatever exchange begins next is traced.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from dream_gateway.edge.gate import error_of
from dream_gateway.edge.questions import Question
from dream_gateway.edge.relay import Relay
from dream_gateway.hookspecs import Traced

if TYPE_CHECKING:
    from dream_gateway.edge.front import Front
    from dream_gateway.edge.gate import Ask
    from dream_gateway.edge.origins import Origins
    from dream_gateway.hookspecs import Trace, Tracer
    from dream_gateway.http.reply import Reply
    from dream_gateway.http1.connection import HttpConnection
    from dream_gateway.http1.request import Request
    from dream_gateway.http1.watch import Watch
    from dream_gateway.model import Verdict

PARENT, STATE = b"traceparent", b"tracestate"
_SAMPLED = 1
CONNECTIONS_AT_ONCE = 8
"""How many connections are kept from the shortcut for one trace: most may be idle."""


class Tracing:
    """Begins traces. Used from one event loop."""

    def __init__(self, tracer: Tracer, watch: Watch) -> None:
        self._tracer = tracer
        self._watch = watch
        self._is_due = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to have requests traced that say nothing of a trace of their own."""
        if self._tracer.per_second > 0:
            seconds = 1.0 / self._tracer.per_second
            self._timer = asyncio.get_running_loop().call_later(seconds, self._tick)

    def close(self) -> None:
        """Begin no more. Safe to call twice, and without `start`."""
        if self._timer is not None:
            self._timer.cancel()

    def begin(self, request: Request) -> Trace | None:
        """Return the trace of a request that has an exchange, if it is to have one."""
        parent = request.fields.get(PARENT)
        if parent is None:
            if not self._is_due:
                return None
            self._is_due = False
        elif not is_sampled(parent):
            return None
        return self._tracer.begin(
            parent, request.fields.get(STATE), request.method, request.path, request.client
        )

    def _tick(self) -> None:
        self.start()
        self._is_due = True
        self._watch.divert(CONNECTIONS_AT_ONCE)


def is_sampled(traceparent: bytes) -> bool:
    """Tell whether a caller says that they trace; what cannot be read says nothing."""
    with suppress(ValueError):
        return len(traceparent) >= 55 and bool(int(traceparent[53:55], 16) & _SAMPLED)
    return False


class TracedRelay(Relay):
    """A relay whose request is traced: the upstream is told, and so is the tracer."""

    __slots__ = ("_trace",)

    def __init__(
        self,
        client: HttpConnection,
        request: Request,
        front: Front,
        origins: Origins,
        trace: Trace,
    ) -> None:
        super().__init__(client, request, front, origins)
        self._trace: Trace | None = trace

    def head(self) -> None:
        """Take note of when the upstream answers."""
        if self._trace is not None and self._link is not None:
            self._trace.answered(self._link.status)
        super().head()

    def end(self) -> None:
        """End the trace with the answer."""
        status = 0 if self._link is None else self._link.status
        super().end()
        self._ended(status, "allowed")

    def lost(self) -> None:
        """End the trace: the client is gone."""
        super().lost()
        self._ended(None, "client_gone")

    def _fields(self, ask: Ask, verdict: Verdict) -> bytes:
        if self._trace is not None:
            headers = self.request.headers
            headers[:] = [field for field in headers if field[0] not in {PARENT, STATE}]
            headers.extend(self._trace.upstream())
        return super()._fields(ask, verdict)

    def _fail(self, cause: Exception) -> None:
        super()._fail(cause)
        error = error_of(cause)
        self._ended(None if self.begun else error.status, error.code)

    def _ended(self, status: int | None, code: str) -> None:
        trace, self._trace = self._trace, None
        if trace is not None:
            trace.end(_told(self._verdict, status, code, self._request_id))


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
        self._ended(None, "client_gone")

    def _tell(self, reply: Reply, code: str) -> None:
        super()._tell(reply, code)
        self._ended(reply.status, code)

    def _ended(self, status: int | None, code: str) -> None:
        trace, self._trace = self._trace, None
        if trace is not None:
            trace.end(_told(self._verdict, status, code, self._request_id))


def _told(verdict: Verdict | None, status: int | None, code: str, request_id: bytes) -> Traced:
    project = None if verdict is None or verdict.project is None else verdict.project.id
    cost = 0 if verdict is None else verdict.cost
    return Traced(status, code, project, cost, request_id.decode("ascii", "replace"))

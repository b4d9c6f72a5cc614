"""Which requests are traced: no other request pays anything for it.

A request is traced if its caller says that theirs is (`traceparent`, W3C Trace Context 2), up to so many
a second, and, of those that say nothing, as many a second as the tracer wants. For these, now and then,
a few connections are kept from the shortcut once: whatever exchange begins next is traced.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Protocol

from dream_gateway.hookspecs import Asked, Traced

if TYPE_CHECKING:
    from dream_gateway.hookspecs import Trace, Tracer
    from dream_gateway.http.asgi import Headers
    from dream_gateway.http.inbound import Inbound
    from dream_gateway.http1.watch import Watch
    from dream_gateway.model import Verdict

PARENT, STATE = b"traceparent", b"tracestate"
_SAMPLED = 1
_PARENT = re.compile(
    rb"(?!ff|00.{54})[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?"
)
"""Version 00 has nothing after the flags, a later one may, and there is no version ff (3.2)."""

CONNECTIONS_AT_ONCE = 8
"""How many connections are kept from the shortcut for one trace: most may be idle."""


class Plane(Protocol):
    """What a plane knows of a request before it serves it."""

    def template(self, inbound: Inbound) -> str | None:
        """Return what the path is matched by, one of a few; `None` if nothing does."""
        ...

    def address(self, inbound: Inbound) -> str | None:
        """Return the address of who really asks."""
        ...


class Tracing:
    """Begins the traces of a plane. Used from one event loop.

    Without a `watch` requests take no shortcuts, so that none has to be kept from them.
    """

    def __init__(self, tracer: Tracer, plane: Plane, watch: Watch | None = None) -> None:
        self._tracer = tracer
        self._plane = plane
        self._watch = watch
        self._is_due = False
        self._second, self._of_callers = 0.0, 0
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

    def begin(self, request: Inbound) -> Trace | None:
        """Return the trace of a request that takes no shortcut, if it is to have one."""
        sampled = is_sampled(request.fields.get(PARENT))
        if sampled is None:
            if not self._is_due:
                return None
            self._is_due = False
        elif not sampled or not self._has_room(time.monotonic()):
            return None
        return self._tracer.begin(self._asked(request, of_caller=sampled is not None))

    def _has_room(self, now: float) -> bool:
        """Count one more whose caller traces; tell whether it may be traced in this second."""
        if now - self._second >= 1.0:
            self._second, self._of_callers = now, 0
        self._of_callers += 1
        return self._of_callers <= self._tracer.callers_per_second

    def _asked(self, request: Inbound, *, of_caller: bool) -> Asked:
        fields = request.fields
        host = fields.get(b"host")
        return Asked(
            method=request.method,
            path=request.path,
            route=self._plane.template(request),
            scheme=request.scheme,
            version=request.version,
            host=None if host is None else host.decode("latin-1"),
            client=self._plane.address(request),
            peer=request.client,
            traceparent=fields.get(PARENT) if of_caller else None,
            tracestate=fields.get(STATE) if of_caller else None,
        )

    def _tick(self) -> None:
        self.start()
        self._is_due = True
        if self._watch is not None:
            self._watch.divert(CONNECTIONS_AT_ONCE)


def is_sampled(traceparent: bytes | None) -> bool | None:
    """Tell whether a caller says that they trace; `None`: they say nothing, or nothing readable."""
    read = None if traceparent is None else _PARENT.fullmatch(traceparent)
    return None if read is None else bool(int(read[1], 16) & _SAMPLED)


def with_trace_fields(headers: Headers, trace: Trace) -> Headers:
    """Return a request's fields as the upstream gets them, which is told of this trace instead."""
    kept = [field for field in headers if field[0] not in {PARENT, STATE}]
    return [*kept, *trace.upstream()]


def outcome(
    status: int | None,
    code: str | None,
    request_id: bytes,
    verdict: Verdict | None = None,
    upstream: str | None = None,
) -> Traced:
    """Return what became of a request."""
    project = None if verdict is None or verdict.project is None else verdict.project.id
    cost = None if verdict is None else verdict.cost
    return Traced(status, code, project, cost, request_id.decode("ascii", "replace"), upstream)

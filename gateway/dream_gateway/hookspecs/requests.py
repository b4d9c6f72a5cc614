"""What takes part in requests, on their event loop: prices those of the edge, sees verdicts, traces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class VerdictObserver(Protocol):
    """Sees every verdict of the edge, on the event loop: must not block, and must not raise."""

    def observe(self, *, project: str, customer: str, code: str, cost: int) -> None:
        """Take note of one verdict; `code` is `allowed` or the code of the refusal."""
        ...


class RequestCost(Protocol):
    """Prices a proxied request, on the event loop: must not block."""

    def cost(self, *, method: str, path: str, headers: Sequence[tuple[bytes, bytes]]) -> int | None:
        """Return the request's cost in units, 0 or more; `None` leaves it to the route."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be traced: without its query, and of its fields, `Host` and those of traces.

    `path` is decoded, and may hold what it should not, such as a key. `route` is what it was matched by,
    such as `/api/keys/{keyId}`, or `/v1/*` for a route of the edge; `None` if there is nothing there.
    `host` is the caller's word. `client` is the address of who really asks, `peer` that of who is
    connected. `traceparent` is readable, and `None` with `tracestate` where the caller's is not.
    """

    method: str
    path: str
    route: str | None
    scheme: str
    version: str
    host: str | None
    client: str | None
    peer: str | None
    traceparent: bytes | None
    tracestate: bytes | None


@dataclass(frozen=True, slots=True)
class Traced:
    """What became of a traced request. `status` is `None` where no whole answer was written.

    `code` is `allowed`, the code of the error, or `client_gone`; `None` for what is no error, and was
    not admitted either. `project` is its id. What is `None` is not known there. `upstream` is the URL of
    the upstream that was asked last, without its query; `None`: none was.
    """

    status: int | None
    code: str | None
    project: str | None
    cost: int | None
    request_id: str
    upstream: str | None


class Trace(Protocol):
    """One traced request, on the event loop: nothing here may block, or raise."""

    def upstream(self) -> Sequence[tuple[bytes, bytes]]:
        """Take note that the upstream is asked; return the fields that tell it of the trace."""
        ...

    def answered(self, status: int, upstream: str) -> None:
        """Take note that the upstream's answer begins; `upstream` is its URL, without the query."""
        ...

    def end(self, traced: Traced) -> None:
        """Take note of the end. Called once. If the status is 101, a WebSocket is open from here on."""
        ...

    def closed(self, by: str) -> None:
        """Take note that `client`, `upstream` or `gateway` ended the WebSocket. Called once."""
        ...


class Tracer(Protocol):
    """Traces requests (W3C Trace Context 2)."""

    @property
    def per_second(self) -> float:
        """Return how many requests a second to trace whose callers say nothing of traces; 0: none.

        So many on either listener.
        """
        ...

    @property
    def callers_per_second(self) -> float:
        """Return how many requests a second to trace at most because their callers do.

        So many on either listener: anybody may say that they trace, and a trace costs far more than
        the request.
        """
        ...

    def begin(self, asked: Asked) -> Trace | None:
        """Begin a trace, as a part of the caller's if there is one; `None`: not this one."""
        ...

"""What takes part in requests of the edge, on its event loop: prices them, sees verdicts, traces."""

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
class Traced:
    """What became of a traced request. `status` is `None` where no whole answer was written.

    `code` is `allowed`, the code of the refusal, or `client_gone`; `project` is its id.
    """

    status: int | None
    code: str
    project: str | None
    cost: int
    request_id: str


class Trace(Protocol):
    """One traced request, on the event loop: nothing here may block, or raise."""

    def upstream(self) -> Sequence[tuple[bytes, bytes]]:
        """Take note that the upstream is asked; return the fields that tell it of the trace."""
        ...

    def answered(self, status: int) -> None:
        """Take note that the upstream's answer begins."""
        ...

    def end(self, traced: Traced) -> None:
        """Take note of the end. Called once."""
        ...


class Tracer(Protocol):
    """Traces requests of the edge (W3C Trace Context 2)."""

    @property
    def per_second(self) -> float:
        """Return how many requests a second to trace whose callers say nothing of traces; 0: none."""
        ...

    def begin(
        self,
        traceparent: bytes | None,
        tracestate: bytes | None,
        method: str,
        path: str,
        client: str | None,
    ) -> Trace | None:
        """Begin a trace, as a part of the caller's if there is one; `None`: not this one."""
        ...

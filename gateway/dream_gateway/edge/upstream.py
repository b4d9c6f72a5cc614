"""The interface to whatever sends requests upstream, so that it can be replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.edge.routes import Route
    from dream_gateway.http.asgi import Headers


@dataclass(slots=True)
class UpstreamRequest:
    """A request as it goes to one of the route's upstreams.

    `headers` holds neither `Host` nor framing; `host` is `None` for the upstream's own. The body is
    `body`, then all of `more`; `length` is its length in bytes, `None` if unknown. A request with
    no body at all has `length` `None` and `more` `None`.
    """

    route: Route
    method: str
    target: bytes
    headers: Headers
    host: bytes | None = None
    body: bytes = b""
    more: AsyncIterator[bytes] | None = None
    length: int | None = None


class UpstreamResponse(Protocol):
    """An answer whose head is in. `headers` are raw, lower-case, in order, hop-by-hop included.

    `origin` is which of the route's upstreams gave it.
    """

    origin: str
    status: int
    headers: Headers

    @property
    def complete(self) -> bool:
        """Whether all of the body is in: after the next `read` there is nothing more."""
        ...

    async def read(self) -> bytes:
        """Return what came since the last time, waiting if nothing has; `b""` only at the end.

        Reading slowly slows the upstream down. Raises `UpstreamError` if the body breaks off and
        `UpstreamTimeoutError` after too long a silence.
        """
        ...

    def close(self) -> None:
        """Let go of it, read to the end or not. Safe to call twice. Never blocks."""
        ...


class Upstream(Protocol):
    """Sends requests to upstreams."""

    async def open(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send a request and return once the head of the answer is in.

        Raises `UpstreamUnreachableError`, `UpstreamTimeoutError`, `UpstreamError`, and whatever the
        request's body raises. Cancelling drops the connection.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...

"""Who an upstream's answer is for: what a connection to an upstream tells of it, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dream_gateway.errors import GatewayError


class Courier(Protocol):
    """Who takes an answer that comes whole and is plain."""

    def take(self, data: bytes) -> bool:
        """Take what came first; `False` if it is for a receiver, to whom the link was handed."""
        ...

    def broken(self, error: GatewayError) -> None:
        """Take note that nothing will come, and why: hand the link over, which says it again."""
        ...

    def request_full(self) -> None:
        """Hand the link over to a receiver: the upstream does not read."""
        ...


class Receiver(Protocol):
    """Who an answer is for. Called from the event loop, in this order; `failed` ends it at any time."""

    def head(self) -> None:
        """Take the final head: `Link.status` and `Link.headers`."""
        ...

    def data(self, data: bytes) -> None:
        """Take a piece of the body."""
        ...

    def flush(self) -> None:
        """All that came in one piece was told."""
        ...

    def end(self) -> None:
        """Take note that the answer is complete."""
        ...

    def failed(self, error: GatewayError) -> None:
        """Take note that there will be no more, and why."""
        ...

    def switched(self, rest: bytes) -> None:
        """Take note that the connection is a tunnel from here on, and of its first bytes."""
        ...

    def request_full(self) -> None:
        """Send no more of the request for now."""
        ...

    def request_drained(self) -> None:
        """Go on sending."""
        ...

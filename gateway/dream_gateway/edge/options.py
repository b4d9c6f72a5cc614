"""What the edge can be told, apart from its routes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dream_gateway.errors import ConfigurationError
from dream_gateway.http1.watch import Patience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.hookspecs import RequestCost, VerdictObserver

WEBSOCKET_MESSAGE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """Settings and plugins of the data plane.

    `trusted_proxies` are addresses or CIDR blocks whose `X-Forwarded-*` are believed.
    `query_parameter` names a query parameter that may carry the key; `None`: none may.
    `forward_auth` is the path of forward-auth, `None` to not serve it; `status_for_limit` is its
    answer where 429 is meant. `websocket_message` is the longest message, in bytes. `patience` is how
    long a client may take for a body and an answer; for the rest, that is up to the server.
    """

    trusted_proxies: tuple[str, ...] = ()
    legacy_headers: bool = False
    query_parameter: str | None = None
    forward_auth: str | None = "/authorize"
    status_for_limit: Literal[429, 403] = 429
    websocket_message: int = WEBSOCKET_MESSAGE
    patience: Patience = field(default_factory=Patience)
    observers: Sequence[VerdictObserver] = ()
    costs: Sequence[RequestCost] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot work, at start-up."""
        if self.forward_auth is not None and not self.forward_auth.startswith("/"):
            raise ConfigurationError("The path of forward-auth begins with a slash.")
        if self.status_for_limit not in {429, 403}:
            raise ConfigurationError("The status for a limit is 429 or 403.")
        if self.websocket_message <= 0:
            raise ConfigurationError("The longest WebSocket message is at least one byte.")

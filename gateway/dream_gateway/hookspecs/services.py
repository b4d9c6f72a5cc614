"""What runs beside requests for as long as the gateway does: pages and routes, exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from dream_gateway.facilities import Facilities


class Site(Protocol):
    """Pages and routes of a plugin's own on the service's listener: an ASGI application.

    `prefixes` are the whole path segments it answers below. What it raises is answered as a problem,
    so it must not raise once it has begun to answer. A request's body is never over a mebibyte.
    """

    @property
    def prefixes(self) -> Sequence[str]:
        """Return what its paths begin with, such as `/auth`; no other route is there."""
        ...

    async def open(self, facilities: Facilities) -> None:
        """Get ready, before the first request. Raises an `OperatorError` if it cannot serve."""
        ...

    async def aclose(self) -> None:
        """Release everything. Safe to call twice, and without `open`."""
        ...

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer one HTTP request; `scope["client"]` is who really asked."""
        ...


class Exporter(Protocol):
    """Sends on what a worker measures, beside the requests."""

    async def open(self, facilities: Facilities) -> None:
        """Begin, before the first request. Raises an `OperatorError` if it cannot."""
        ...

    async def aclose(self) -> None:
        """Send the rest, and release everything. Safe to call twice, and without `open`."""
        ...

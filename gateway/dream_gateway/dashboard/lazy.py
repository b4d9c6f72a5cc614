"""The dashboard as the service mounts it: nothing of it is imported until somebody asks for a page."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dream_gateway.dashboard.site import DashboardSite
    from dream_gateway.facilities import Facilities
    from dream_gateway.gateway import Gateway
    from dream_gateway.http.asgi import Receive, Scope, Send
    from dream_gateway.service.app import Service

SITE = "dream_gateway.dashboard.site"


class LazyDashboard:
    """A `Site`. Requests that come while it is imported wait for it."""

    prefixes = ("/dashboard", "/operator")

    def __init__(self, gateway: Gateway, service: Service) -> None:
        self._gateway = gateway
        self._service = service
        self._site: DashboardSite | None = None
        self._opening = asyncio.Lock()

    async def open(self, facilities: Facilities) -> None:
        """Wait for the first request."""

    async def aclose(self) -> None:
        """Let go of it."""
        self._site = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        site = self._site or await self._opened()
        await site(scope, receive, send)

    async def _opened(self) -> DashboardSite:
        async with self._opening:
            if self._site is None:
                # In a thread: importing takes tens of milliseconds, and the edge is on this loop.
                module = await asyncio.to_thread(import_module, SITE)
                self._site = module.open_site(self._gateway, self._service)
        assert self._site is not None  # noqa: S101 - set above
        return self._site

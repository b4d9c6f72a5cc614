"""`/dashboard/{project}/start`: from an empty project to the first counted request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.dashboard.page import Page
from dream_gateway.records import progress

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit

PATH = "/dashboard/{project}/start"


class StartPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (Page("GET", PATH, self.show),)

    async def show(self, visit: Visit) -> Response:
        """Show the steps, each ticked once it is done."""
        async with self._desk.read() as connection:
            done = await progress.of_project(connection, visit.place.project.id)
        settings = self._desk.gateway.settings
        return self._desk.show(
            visit,
            "start.html",
            done=done,
            edge=settings.edge_base,
            service=settings.service_base,
        )

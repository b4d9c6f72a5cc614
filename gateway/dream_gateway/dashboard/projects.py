"""`/dashboard`, and the pages about projects as such: making one, and promoting a test project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.dashboard.page import Page
from dream_gateway.errors import GatewayError, NotFoundError
from dream_gateway.model import Mode, ProjectType, Role

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit

NEW = "/dashboard/new"
ONE = "/dashboard/{project}"
MAKERS = frozenset({Role.ADMIN, Role.OWNER})


class ProjectPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", "/dashboard", self.home),
            Page("GET", NEW, self.show_new),
            Page("POST", NEW, self.create),
            Page("POST", ONE + "/promote", self.promote, least=Role.ADMIN),
        )

    async def home(self, visit: Visit) -> Response:
        """Send the developer to the first of their projects, or to make one."""
        if not visit.places:
            return self._desk.go(NEW)
        first = visit.places[0].project.id
        return self._desk.go(f"/dashboard/{first}")

    async def show_new(self, visit: Visit) -> Response:
        """Show the form for a project."""
        return self._new(visit)

    async def create(self, visit: Visit) -> Response:
        """Create a project, and show its keys: the secret one this once."""
        body = {
            "name": visit.value("name").strip(),
            "type": visit.value("type", ProjectType.SAAS),
            "mode": visit.value("mode", Mode.TEST),
        }
        platform = visit.value("platform") or None
        try:
            done = await self._desk.act(
                visit, "POST", "/platform/projects", body=body, platform=platform, once=True
            )
        except GatewayError as error:
            self._desk.refused(visit, error)
            return self._new(visit)
        return self._made(visit, done.value, "Your project is ready")

    async def promote(self, visit: Visit) -> Response:
        """Make the live project like the test project; the first time, show its keys."""
        try:
            done = await self._desk.act(
                visit,
                "POST",
                "/platform/projects/{projectId}/promote",
                {"projectId": visit.place.project.id},
                once=True,
            )
        except GatewayError as error:
            self._desk.refused(visit, error)
            return self._desk.show(visit, "told.html", title="It was not promoted", detail="")
        if done.value.secret_key is None:
            return self._desk.go(f"/dashboard/{done.value.project.id}/start", "promoted")
        return self._made(visit, done.value, "Your live project is ready")

    def _new(self, visit: Visit) -> Response:
        makes = [each.platform for each in visit.memberships if each.role in MAKERS]
        choices = [(each.id, each.name) for each in makes]
        if not makes:
            raise NotFoundError("You have no platform to make projects on.")
        return self._desk.show(visit, "new_project.html", choices=choices)

    def _made(self, visit: Visit, made: object, title: str) -> Response:
        return self._desk.show(visit, "project_made.html", 201, made=made, title=title)

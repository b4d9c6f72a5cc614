"""`/dashboard/{project}/team`: who works on the project's platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.dashboard import entries
from dream_gateway.dashboard.page import Page
from dream_gateway.errors import GatewayError, NotFoundError
from dream_gateway.model import Role
from dream_gateway.records import developers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit

PATH = "/dashboard/{project}/team"
API = "/platform/members"
MOST_MEMBERS = 200
ROLES = (
    (Role.MEMBER, "Member: looks"),
    (Role.ADMIN, "Admin: changes projects and keys"),
    (Role.OWNER, "Owner: decides about members and money, too"),
)


class TeamPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", PATH, self.show),
            Page("POST", PATH, self.invite, least=Role.OWNER),
            Page("POST", PATH + "/name", self.rename, least=Role.OWNER),
            Page("POST", PATH + "/{member}", self.change, least=Role.OWNER),
            Page("POST", PATH + "/{member}/remove", self.remove, least=Role.OWNER),
        )

    async def show(self, visit: Visit) -> Response:
        """Show the members, oldest first."""
        async with self._desk.read() as connection:
            found = await developers.members(
                connection, visit.place.platform.id, None, MOST_MEMBERS
            )
        return self._desk.show(visit, "team.html", members=found, roles=ROLES)

    async def invite(self, visit: Visit) -> Response:
        """Let somebody in by their address."""
        body = {"email": entries.text(visit, "email"), "role": visit.value("role")}
        return await self._done(visit, "POST", API, {}, body, "invited")

    async def rename(self, visit: Visit) -> Response:
        """Give the platform another name."""
        body = {"name": entries.text(visit, "name")}
        return await self._done(visit, "PATCH", "/platform", {}, body, "saved")

    async def change(self, visit: Visit) -> Response:
        """Change what a member may do."""
        here = {"memberId": visit.parameters["member"]}
        body = {"role": visit.value("role-of")}
        return await self._done(visit, "PATCH", API + "/{memberId}", here, body, "saved")

    async def remove(self, visit: Visit) -> Response:
        """Take a member off the platform."""
        here = {"memberId": visit.parameters["member"]}
        return await self._done(visit, "DELETE", API + "/{memberId}", here, None, "removed")

    async def _done(  # noqa: PLR0917 # private
        self,
        visit: Visit,
        method: str,
        path: str,
        here: Mapping[str, str],
        body: Mapping[str, object] | None,
        done: str,
    ) -> Response:
        try:
            await self._desk.act(visit, method, path, here, body=body, once=method == "POST")
        except NotFoundError:
            raise
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        return self._desk.go(f"{visit.home}/team", done)

"""`/dashboard/{project}/audit`: who changed what on the project's platform."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from dream_gateway.dashboard.page import Page
from dream_gateway.model import Role
from dream_gateway.records import audit, developers
from dream_gateway.records.audit import Wanted
from dream_gateway.service.paging import cut, decode_position

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit

PATH = "/dashboard/{project}/audit"
ON_A_PAGE = 50
MOST_MEMBERS = 200
KINDS = (
    *("customer", "key", "tier", "product", "order", "subscription"),
    *("project", "platform", "member", "webhook_endpoint"),
)


class AuditPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (Page("GET", PATH, self.show, least=Role.ADMIN),)

    async def show(self, visit: Visit) -> Response:
        """Show a page of the log, newest first."""
        platform, kind = visit.place.platform.id, visit.query.get("kind", "")
        actor, only = visit.query.get("actor", "").strip(), visit.query.get("only", "")
        wanted = Wanted(
            platform=platform,
            project=visit.place.project.id if only else None,
            actor=actor or None,
            action=kind or None,
        )
        before = decode_position(visit.query.get("cursor") or None)
        async with self._desk.read() as connection:
            found = await audit.page(connection, wanted, before, ON_A_PAGE + 1)
            team = await developers.members(connection, platform, None, MOST_MEMBERS)
        page, cursor = cut(found, ON_A_PAGE, lambda entry: str(entry.position))
        asked = {"kind": kind, "actor": actor, "only": only}
        query = urlencode({name: value for name, value in asked.items() if value})
        after = urlencode({"cursor": cursor or ""})
        return self._desk.show(
            visit,
            "audit.html",
            entries=[(each, msgspec.json.encode(each.details).decode()) for each in page],
            names={each.developer_id: each.email for each in team if each.email},
            kind=kind,
            actor=actor,
            only=only,
            kinds=[("", "Everything"), *((each, each.replace("_", " ")) for each in KINDS)],
            before=f"{visit.home}/audit?{query}" if before is not None else "",
            after=f"{visit.home}/audit?{query}&{after}" if cursor else "",
        )

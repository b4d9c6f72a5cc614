"""`/dashboard/{project}/appearance`: the project's settings, and how its white-label pages look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.dashboard import entries
from dream_gateway.dashboard.page import Page
from dream_gateway.errors import GatewayError
from dream_gateway.model import Alignment, ProjectType, Role
from dream_gateway.records import projects, tiers

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit

PATH = "/dashboard/{project}/appearance"
API = "/platform/projects/{projectId}"
COLOURS = (("primary", "#4f46e5"), ("background", "#f7f8fa"), ("text", "#1a1f36"))
"""What colours are for, and what each is unless chosen."""

NAMES = {
    "branding/displayName": "displayName",
    "branding/logoUrl": "logoUrl",
    **{f"branding/colours/{use}": f"colour-{use}" for use, _ in COLOURS},
}


class AppearancePages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", PATH, self.show),
            Page("POST", PATH, self.change, least=Role.ADMIN),
        )

    async def show(self, visit: Visit) -> Response:
        """Show the form."""
        async with self._desk.read() as connection:
            project = await projects.find(connection, visit.place.project.id)
            offered = await tiers.of_project(connection, visit.place.project.id)
        project = project or visit.place.project
        plans = {tier.name: tier.display_name or tier.name for tier in offered}
        plans.setdefault(project.default_tier, project.default_tier)
        logo = project.branding.logo_url
        return self._desk.show(
            visit,
            "appearance.html",
            images=[logo] if logo else [],
            project=project,
            colours=COLOURS,
            plans=plans.items(),
            types=((ProjectType.SAAS, "Use of an API"), (ProjectType.STORE, "Products")),
            alignments=(
                (Alignment.ANNIVERSARY, "with each customer's own month"),
                (Alignment.CALENDAR, "with the calendar"),
            ),
            pages=self._desk.base + f"/auth/{visit.place.publishable_key}",
        )

    async def change(self, visit: Visit) -> Response:
        """Change what was entered."""
        body = {
            "name": entries.text(visit, "name"),
            "type": visit.value("type"),
            "defaultTier": visit.value("defaultTier"),
            "alignment": visit.value("alignment"),
            "origins": entries.lines(visit, "origins"),
            "branding": {
                "displayName": entries.text(visit, "displayName"),
                "logoUrl": entries.optional(visit, "logoUrl"),
                "colours": await self._colours(visit),
            },
        }
        try:
            await self._desk.act(
                visit, "PATCH", API, {"projectId": visit.place.project.id}, body=body
            )
        except GatewayError as error:
            self._desk.refused(visit, error, NAMES)
            origins = next((e for n, e in visit.errors.items() if n.startswith("origins/")), None)
            if origins is not None:
                visit.errors["origins"] = origins
            return await self.show(visit)
        return self._desk.go(f"{visit.home}/appearance", "saved")

    async def _colours(self, visit: Visit) -> dict[str, str]:
        """Return the colours that were chosen, with those there that the form does not show."""
        async with self._desk.read() as connection:
            project = await projects.find(connection, visit.place.project.id)
        known = {} if project is None else project.branding.colours
        entered = {use: visit.value(f"colour-{use}", usual) for use, usual in COLOURS}
        chosen = {
            use: entered[use] for use, usual in COLOURS if use in known or entered[use] != usual
        }
        return {**known, **chosen}

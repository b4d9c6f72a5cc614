"""`/dashboard/{project}/plan`: what the platform pays the gateway's operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.dashboard.page import Page
from dream_gateway.errors import BillingNotConfiguredError, GatewayError
from dream_gateway.model import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit

PATH = "/dashboard/{project}/plan"
API = "/platform/subscription"


class PlanPages:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", PATH, self.show),
            Page("POST", PATH + "/subscribe", self.subscribe, least=Role.OWNER),
            Page("POST", PATH + "/portal", self.portal, least=Role.OWNER),
        )

    async def show(self, visit: Visit) -> Response:
        """Show what is paid, and until when."""
        try:
            plan = (await self._desk.act(visit, "GET", API)).value
        except BillingNotConfiguredError:
            plan = None
        return self._desk.show(visit, "plan.html", plan=plan)

    async def subscribe(self, visit: Visit) -> Response:
        """Tell where the plan is paid."""
        here = self._here(visit)
        return await self._onward(visit, API, {"successUrl": here, "cancelUrl": here})

    async def portal(self, visit: Visit) -> Response:
        """Tell where the plan is changed."""
        here = {"returnUrl": self._here(visit)}
        return await self._onward(visit, "/platform/billing-portal", here)

    def _here(self, visit: Visit) -> str:
        return f"{self._desk.base}{visit.home}/plan"

    async def _onward(self, visit: Visit, path: str, body: Mapping[str, str]) -> Response:
        try:
            done = await self._desk.act(visit, "POST", path, body=body)
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        title, back = "Go on at the payment provider", f"{visit.home}/plan"
        return self._desk.show(visit, "onward.html", url=done.value.url, title=title, back=back)

"""`/dashboard/{project}/payments`: the accounts at the provider that customers pay to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.dashboard.page import Page
from dream_gateway.errors import GatewayError
from dream_gateway.model import Mode, Role
from dream_gateway.records import accounts

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.visit import Visit

PATH = "/dashboard/{project}/payments"
API = "/platform/connections/{mode}"


class PaymentPages:
    """Handlers by page, about the account of the project's mode."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        return (
            Page("GET", PATH, self.show),
            Page("POST", PATH + "/connect", self.connect, least=Role.OWNER),
            Page("POST", PATH + "/onboard", self.onboard, least=Role.OWNER),
            Page("POST", PATH + "/refresh", self.refresh, least=Role.ADMIN),
            Page("POST", PATH + "/disconnect", self.disconnect, least=Role.OWNER),
        )

    async def show(self, visit: Visit) -> Response:
        """Show the account of the project's mode, and that of the other."""
        platform, mode = visit.place.platform.id, visit.place.project.mode
        async with self._desk.read() as connection:
            found = {each: await accounts.of_platform(connection, platform, each) for each in Mode}
        return self._desk.show(
            visit,
            "payments.html",
            mode=mode,
            account=found[mode],
            other=next(account for each, account in found.items() if each is not mode),
            is_there=self._desk.gateway.billing is not None,
        )

    async def connect(self, visit: Visit) -> Response:
        """Tell where to connect an account that there is; the browser keeps the state for the end."""
        body = {"mode": visit.place.project.mode, "returnUrl": self._here(visit)}
        try:
            done = await self._desk.act(visit, "POST", "/oauth/authorize", body=body)
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        response = self._onward(visit, done.value.url)
        for cookie in done.cookies:
            response.headers.append("set-cookie", cookie)
        return response

    async def onboard(self, visit: Visit) -> Response:
        """Tell where to complete a new account."""
        body = {"returnUrl": self._here(visit), "refreshUrl": self._here(visit)}
        here = {"mode": visit.place.project.mode.value}
        try:
            done = await self._desk.act(visit, "POST", API + "/onboarding", here, body=body)
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        return self._onward(visit, done.value.url)

    async def refresh(self, visit: Visit) -> Response:
        """Ask the provider how the account is."""
        return await self._changed(visit, "POST", API + "/refresh", "saved")

    async def disconnect(self, visit: Visit) -> Response:
        """Disconnect the account."""
        return await self._changed(visit, "DELETE", API, "disconnected")

    async def _changed(self, visit: Visit, method: str, path: str, done: str) -> Response:
        try:
            await self._desk.act(visit, method, path, {"mode": visit.place.project.mode.value})
        except GatewayError as error:
            self._desk.refused(visit, error)
            return await self.show(visit)
        return self._desk.go(f"{visit.home}/payments", done)

    def _here(self, visit: Visit) -> str:
        return f"{self._desk.base}{visit.home}/payments"

    def _onward(self, visit: Visit, url: str) -> Response:
        # A link: a form's answer must not redirect to where the page's policy does not allow.
        return self._desk.show(
            visit, "onward.html", url=url, title="Go on at the payment provider",
            back=f"{visit.home}/payments",
        )  # fmt: skip

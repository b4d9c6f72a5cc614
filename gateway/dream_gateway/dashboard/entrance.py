"""Signing in and out: developers by their identity provider, the operator by a token."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from dream_gateway.dashboard.page import Page, Who
from dream_gateway.dashboard.sessions import DEVELOPER, OPERATOR
from dream_gateway.errors import InvalidCodeError, NotFoundError
from dream_gateway.hookspecs import SignOut

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.dashboard.desk import Desk
    from dream_gateway.dashboard.sessions import Sessions
    from dream_gateway.dashboard.visit import Visit
    from dream_gateway.hookspecs import DeveloperSignIn
    from dream_gateway.service.standing import Standings

SIGN_IN = "/dashboard/sign-in"
BACK = "/dashboard/signed-in"
LINK = "/dashboard/link"
OPERATOR_SIGN_IN = "/operator/sign-in"
ENTRY, NEXT = "entry", "next"
"""The cookies of a sign-in under way: what it is known by again, and where to go after it."""

ENTRY_SECONDS = 3600.0
LONGEST_NEXT = 200


class Entrance:
    """The pages for those who are not signed in, and the way out."""

    def __init__(
        self,
        desk: Desk,
        sessions: Sessions,
        standings: Standings,
        sign_ins: tuple[DeveloperSignIn, ...],
    ) -> None:
        self._desk = desk
        self._sessions = sessions
        self._standings = standings
        self._sign_ins = {each.name: each for each in sign_ins}
        self._ways_out = [each for each in sign_ins if isinstance(each, SignOut)]

    def pages(self) -> tuple[Page, ...]:
        """Return the pages of this module."""
        anybody = Who.ANYBODY
        return (
            Page("GET", SIGN_IN, self.show, anybody),
            Page("GET", SIGN_IN + "/{name}", self.begin, anybody),
            Page("GET", BACK + "/{name}", self.finish, anybody),
            Page("GET", LINK, self.open_link, anybody),
            Page("POST", "/dashboard/sign-out", self.sign_out),
            Page("GET", OPERATOR_SIGN_IN, self.show_operator, anybody),
            Page("POST", OPERATOR_SIGN_IN, self.sign_in_operator, anybody),
            Page("POST", "/operator/sign-out", self.sign_out_operator, Who.OPERATOR),
        )

    async def show(self, visit: Visit) -> Response:
        """Show the ways to sign in."""
        return self._desk.show(
            visit,
            "sign_in.html",
            ways=list(self._sign_ins.values()),
            next=_next(visit.query.get("next", "")),
        )

    async def begin(self, visit: Visit) -> Response:
        """Send the browser to its identity provider, with a cookie that it is known by again."""
        way = self._way(visit)
        state, secret = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
        sign_up = visit.query.get("new") == "1"
        url = await way.url(self._back(way), state, secret, sign_up=sign_up)
        response = self._desk.go(url)
        self._desk.cookies.put(response, ENTRY, f"{state}.{secret}", ENTRY_SECONDS)
        self._desk.cookies.put(response, NEXT, _next(visit.query.get("next", "")), ENTRY_SECONDS)
        return response

    async def finish(self, visit: Visit) -> Response:
        """Begin a session for whoever came back, if it is the browser that was sent there."""
        way, cookies, request = self._way(visit), self._desk.cookies, visit.request
        state, _, secret = cookies.read(request, ENTRY).partition(".")
        given = visit.query.get("state", "").encode("utf-8", "surrogateescape")
        if not secret or not hmac.compare_digest(given, state.encode()):
            return self._desk.go(SIGN_IN, "restart")
        try:
            found = await way.finish(visit.query, self._back(way), secret)
        except InvalidCodeError:
            return self._desk.go(SIGN_IN, "restart")
        developer = await self._standings.developer(found)
        response = self._desk.go(_next(cookies.read(request, NEXT)))
        await self._sessions.begin_developer(response, developer.id)
        for name in (ENTRY, NEXT):
            cookies.drop(response, name)
        return response

    async def open_link(self, visit: Visit) -> Response:
        """Sign in whoever opens a link for the first time that somebody with the store made."""
        response = self._desk.go(_next(visit.query.get("next", "")))
        if await self._sessions.open_link(response, visit.query.get("code", "")):
            return response
        return self._desk.go(SIGN_IN, "stale")

    async def sign_out(self, visit: Visit) -> Response:
        """End the developer's session, and what else would sign this browser in again unasked."""
        response = self._desk.go(SIGN_IN, "signed-out")
        if visit.session is not None:
            await self._sessions.end(response, visit.session, DEVELOPER)
        for each in self._ways_out:
            await each.sign_out(visit.request.cookies)
        return response

    async def show_operator(self, visit: Visit) -> Response:
        """Show the form for the operator's token."""
        return self._desk.show(visit, "operator_sign_in.html")

    async def sign_in_operator(self, visit: Visit) -> Response:
        """Begin the operator's session."""
        given = visit.value("operator-token").strip()
        if not self._standings.is_operator(given):
            visit.errors["operator-token"] = "This is not one of the operator's tokens."
            return self._desk.show(visit, "operator_sign_in.html")
        response = self._desk.go("/operator")
        await self._sessions.begin_operator(response, given)
        return response

    async def sign_out_operator(self, visit: Visit) -> Response:
        """End the operator's session."""
        response = self._desk.go(OPERATOR_SIGN_IN, "signed-out")
        if visit.session is not None:
            await self._sessions.end(response, visit.session, OPERATOR)
        return response

    def _way(self, visit: Visit) -> DeveloperSignIn:
        way = self._sign_ins.get(visit.parameters["name"])
        if way is None:
            raise NotFoundError("There is no such way to sign in.")
        return way

    def _back(self, way: DeveloperSignIn) -> str:
        return f"{self._desk.base}{BACK}/{way.name}"


def _next(path: str) -> str:
    """Return where to go after a sign-in: a page of the dashboard, and nowhere else."""
    fine = path.startswith("/dashboard/") and len(path) <= LONGEST_NEXT and path.isprintable()
    return path if fine and path.isascii() and "\\" not in path else "/dashboard"

"""The dashboard as an ASGI application: finds the page, lets the visitor in, and shows what fails."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request

from dream_gateway.cookies import Cookies
from dream_gateway.dashboard.acting import Acting
from dream_gateway.dashboard.desk import FORM, Desk
from dream_gateway.dashboard.entrance import OPERATOR_SIGN_IN, SIGN_IN, Entrance
from dream_gateway.dashboard.page import PROJECT, Page, PageTable, Who
from dream_gateway.dashboard.rendering import STATIC, Rendering
from dream_gateway.dashboard.sessions import DEVELOPER, OPERATOR, Sessions
from dream_gateway.dashboard.table import every_page
from dream_gateway.dashboard.visit import Visit
from dream_gateway.errors import (
    ForbiddenError,
    GatewayError,
    MethodNotAllowedError,
    NotFoundError,
)
from dream_gateway.forms import read_form
from dream_gateway.records import places

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.gateway import Gateway
    from dream_gateway.http.asgi import Receive, Scope, Send
    from dream_gateway.service.app import Service

_LOG = logging.getLogger(__name__)

LONGEST_FORM = 256 << 10
"""Bytes."""

MOST_FIELDS = 500
COOKIES = {Who.DEVELOPER: DEVELOPER, Who.OPERATOR: OPERATOR}
ENTRANCES = {Who.DEVELOPER: SIGN_IN, Who.OPERATOR: OPERATOR_SIGN_IN}


def open_site(gateway: Gateway, service: Service) -> DashboardSite:
    """Return the dashboard of a started gateway and its service."""
    cookies = Cookies(secure=gateway.settings.service_base.startswith("https:"))
    desk = Desk(gateway, Acting(service), Rendering(), cookies)
    sessions = Sessions(gateway, cookies)
    sign_ins = gateway.plugins.developer_sign_ins()
    entrance = Entrance(desk, sessions, service.standings, sign_ins)
    desk.table = PageTable([*entrance.pages(), *every_page(desk)])
    return DashboardSite(desk, sessions, service)


class DashboardSite:
    """Answers requests below `/dashboard` and `/operator`."""

    def __init__(self, desk: Desk, sessions: Sessions, service: Service) -> None:
        self._desk = desk
        self._sessions = sessions
        self._ids = service.dispatcher.ids
        self._rendering = desk.rendering
        self.table = desk.table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path: str = request.scope["path"]
        if path.startswith(STATIC):
            file = self._rendering.file(path.removeprefix(STATIC))
            if file is not None:
                return file
        given = request.headers.get("x-request-id", "").encode("latin-1")
        visit = Visit(request, self._ids.take_over(given).decode(), query=request.query_params)
        try:
            response = await self._page(visit)
        except GatewayError as error:
            response = self._failure(visit, error)
        except Exception:  # noqa: BLE001 # nothing may get past here to the server
            _LOG.exception("request %s failed inside the dashboard", visit.request_id)
            response = self._failure(visit, GatewayError())
        response.headers["x-request-id"] = visit.request_id
        return response

    async def _page(self, visit: Visit) -> Response:
        methods, visit.parameters = self._desk.table.find(visit.path)
        if not methods:
            raise NotFoundError("There is no such page.")
        method = "GET" if visit.request.method == "HEAD" else visit.request.method
        if method not in methods:
            allowed = sorted({*methods, "HEAD"} if "GET" in methods else methods)
            raise MethodNotAllowedError(headers=(("Allow", ", ".join(allowed)),))
        page = methods[method]
        if not await self._let_in(visit, page):
            return self._to_entrance(visit, page)
        if method == "POST":
            visit.form = await read_form(visit.request, longest=LONGEST_FORM, most=MOST_FIELDS)
            visit.check_forgery((self._desk.base,))
        return await page.handler(visit)

    async def _let_in(self, visit: Visit, page: Page) -> bool:
        """Read who comes and where they are. Returns whether they are signed in, if they must be.

        Raises `NotFoundError` for a project that is not theirs, `ForbiddenError` for a page that
        their role there is not enough for.
        """
        if page.who is Who.ANYBODY:
            visit.secret = self._desk.cookies.read(visit.request, FORM)
            visit.is_new_browser = not visit.secret
            visit.secret = visit.secret or secrets.token_urlsafe(16)
            return True
        visit.secret, visit.session = await self._sessions.find(
            visit.request, COOKIES[page.who], is_use=not (page.by_itself or visit.by_itself)
        )
        if visit.session is None:
            return False
        if page.who is Who.DEVELOPER:
            await self._find_place(visit, page)
        return True

    async def _find_place(self, visit: Visit, page: Page) -> None:
        wanted = visit.parameters.get(PROJECT)
        async with self._desk.read() as connection:
            visit.memberships = await places.platforms_of(connection, visit.developer.id)
            visit.places = await places.projects_of(connection, visit.memberships, wanted)
        if not page.of_project:
            return
        here = [each for each in visit.places if each.project.id == wanted]
        if not here:
            raise NotFoundError("There is no such project.")
        visit.found = here[0]
        if not visit.may(page.least):
            raise ForbiddenError(f"This page needs the role {page.least} on the platform.")

    def _to_entrance(self, visit: Visit, page: Page) -> Response:
        entrance = ENTRANCES[page.who]
        if visit.request.method == "GET" and page.who is Who.DEVELOPER and not visit.part:
            query = visit.request.scope["query_string"].decode("latin-1")
            onward = f"{visit.path}?{query}" if query else visit.path
            if onward != "/dashboard":
                return self._desk.go(f"{entrance}?{urlencode({'next': onward})}")
        return self._desk.go(entrance)

    def _failure(self, visit: Visit, error: GatewayError) -> Response:
        response = self._desk.show(visit, "failure.html", error.status, error=error)
        for name, text in error.headers:
            response.headers[name] = text
        if error.retry_after is not None:
            response.headers["retry-after"] = str(max(1, round(error.retry_after)))
        return response

"""What every page is made with: showing, acting, and sending on."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from dream_gateway.dashboard import navigation
from dream_gateway.dashboard.acting import Act, faults_of
from dream_gateway.dashboard.notices import NOTICES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncConnection
    from starlette.responses import Response

    from dream_gateway.cookies import Cookies
    from dream_gateway.dashboard.acting import Acting, Done
    from dream_gateway.dashboard.page import PageTable
    from dream_gateway.dashboard.rendering import Rendering
    from dream_gateway.dashboard.visit import Visit
    from dream_gateway.errors import GatewayError
    from dream_gateway.gateway import Gateway

SEE_OTHER = 303
UNPROCESSABLE = 422
FORM = "form"
"""The cookie that forms are bound to in a browser without a session."""


class Desk:
    """Shared by all pages; safe for any number of visits at once. `table` is set once it is made."""

    table: PageTable

    def __init__(
        self, gateway: Gateway, acting: Acting, rendering: Rendering, cookies: Cookies
    ) -> None:
        self.gateway = gateway
        self.cookies = cookies
        self._acting = acting
        self.rendering = rendering

    @property
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return self.gateway.clock.now()

    @property
    def base(self) -> str:
        """The service's address as browsers know it."""
        return self.gateway.settings.service_base

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Begin a read transaction, for the modules of queries in `dream_gateway.records`."""
        return self.gateway.records.read()

    async def act(  # what a request has
        self,
        visit: Visit,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        platform: str | None = None,
        once: bool = False,
        version: str | None = None,
    ) -> Done:
        """Call an operation of the API as whoever is signed in, about the project of the page.

        On a page of no project, `platform` says what it is about. `once`: the form's own key makes
        a repeat get the first result. Raises what the API would answer: see `refused`.
        """
        session = visit.session
        if session is None:
            raise RuntimeError("nobody is signed in on this page")
        act = Act(
            method,
            path,
            parameters or {},
            body=body,
            query=query or {},
            project=None if visit.found is None else visit.found.project.id,
            platform=platform,
            once=(visit.value("once") or None) if once else None,
            version=version,
        )
        client = visit.request.client
        return await self._acting.call(
            act,
            session.developer,
            request_id=visit.request_id,
            address=None if client is None else client.host,
        )

    def refused(
        self, visit: Visit, error: GatewayError, names: Mapping[str, str] | None = None
    ) -> None:
        """Note what an operation refused, to be shown beside the fields.

        `names` are the form's names for what the API calls otherwise. What cannot be entered
        otherwise, such as a store that is away, is not for a form: that raises the error again.
        """
        if error.status not in {400, 402, 403, 404, 409, 412, 413, 422, 501}:
            raise error
        for name, detail in faults_of(error).items():
            visit.errors.setdefault((names or {}).get(name, name), detail)

    def show(
        self,
        visit: Visit,
        template: str,
        status: int = 200,
        *,
        images: Collection[str] = (),
        targets: Collection[str] = (),
        **values: Any,
    ) -> Response:
        """Show a page; 422 if there are errors on it."""
        known: dict[str, object] = {
            "visit": visit,
            "errors": visit.errors,
            "token": visit.token,
            "once": secrets.token_urlsafe(12),
            "now": self.now,
            "notice": NOTICES.get(visit.query.get("done", ""), ""),
            "groups": list(navigation.groups(visit, self.table)) if visit.found else [],
        }
        status = UNPROCESSABLE if visit.errors and status == 200 else status
        response = self.rendering.page(
            template,
            {**known, **values},
            status=status,
            part=visit.part,
            images=images,
            targets=targets,
        )
        if visit.is_new_browser:
            self.cookies.put(response, FORM, visit.secret)
        return response

    def show_secret(self, visit: Visit, title: str, secret: str | None, back: str) -> Response:
        """Show what was just made and is never shown again; `None`: it was shown before."""
        return self.show(visit, "secret_shown.html", 201, title=title, secret=secret, back=back)

    def go(self, path: str, done: str = "", **query: str) -> Response:
        """Send the visitor to another page, where `done` of `notices` is said, if it is named."""
        pairs = {**({"done": done} if done else {}), **query}
        url = f"{path}?{urlencode(pairs)}" if pairs else path
        headers = {"cache-control": "no-store", "referrer-policy": "same-origin"}
        return RedirectResponse(url, SEE_OTHER, headers)

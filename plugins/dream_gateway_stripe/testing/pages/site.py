"""The pages' routes, one request at a time like the API's, on the same state."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.routing import Route

from dream_gateway_stripe.testing.faults import OAuthFault, StripeFault
from dream_gateway_stripe.testing.form import read_form
from dream_gateway_stripe.testing.pages.connecting import authorize, set_up
from dream_gateway_stripe.testing.pages.panel import panel, press
from dream_gateway_stripe.testing.pages.paying import pay
from dream_gateway_stripe.testing.pages.portal import portal
from dream_gateway_stripe.testing.pages.rendering import Renderer
from dream_gateway_stripe.testing.pages.visit import Visit
from dream_gateway_stripe.testing.passing import pass_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

    from starlette.requests import Request
    from starlette.responses import Response

    from dream_gateway_stripe.testing.people import People
    from dream_gateway_stripe.testing.world import World

PAGES: dict[str, Callable[[Visit], Response]] = {
    "/c/pay/{id}": pay,
    "/p/session/{id}": portal,
    "/p/session/{id}/{act}": portal,
    "/oauth/authorize": authorize,
    "/setup/s/{id}": set_up,
    "/": panel,
    "/panel/{act}": press,
}


class Site:
    """Serves the pages."""

    def __init__(self, world: World, people: People, lock: RLock) -> None:
        self._world = world
        self._people = people
        self._lock = lock
        self._renderer = Renderer()

    @property
    def routes(self) -> list[Route]:
        """The pages' routes."""
        pages = [
            Route(path, partial(self._answer, show), methods=["GET", "POST"])
            for path, show in PAGES.items()
        ]
        return [*pages, Route("/fake.css", self._style)]

    async def _style(self, _request: Request) -> Response:
        return self._renderer.style()

    async def _answer(self, show: Callable[[Visit], Response], request: Request) -> Response:
        form = read_form((await request.body()).decode()) if request.method == "POST" else None
        with self._lock:
            pass_time(self._world)
            visit = Visit(
                world=self._world,
                people=self._people,
                renderer=self._renderer,
                path=dict(request.path_params),
                query=dict(request.query_params),
                form=form,
            )
            try:
                return show(visit)
            except (StripeFault, OAuthFault) as fault:
                return self._renderer.told(str(fault), fault.status)

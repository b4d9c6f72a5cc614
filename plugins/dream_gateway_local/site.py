"""The plugin's part of the service: finds the realm and the page, and shows what goes wrong as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from dream_gateway.errors import (
    GatewayError,
    InvalidCredentialError,
    MethodNotAllowedError,
    NotFoundError,
)
from dream_gateway_local.discovery import JWKS, METADATA
from dream_gateway_local.realm import DEVELOPERS, PLATFORM, USERS, of_developers, of_project
from dream_gateway_local.turnstile import Turnstile
from dream_gateway_local.visit import read_visit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from starlette.responses import Response

    from dream_gateway.cookies import Cookies
    from dream_gateway.facilities import Facilities
    from dream_gateway_local.account_pages import AccountPages
    from dream_gateway_local.discovery import Discovery
    from dream_gateway_local.entrance import Entrance
    from dream_gateway_local.options import LocalOptions
    from dream_gateway_local.provider import Provider
    from dream_gateway_local.realm import Realm
    from dream_gateway_local.rendering import Pages
    from dream_gateway_local.token_route import TokenRoute
    from dream_gateway_local.visit import Visit

    Handler = Callable[[Visit], Awaitable[Response]]

AUTH = "/auth"
HASHING = frozenset({"sign-in", "sign-up", "verify", "reset", "password"})
"""Pages whose forms take a password to be hashed: of those, a few are served at a time."""

TOKEN = "token"  # noqa: S105 - a path


def page_table(
    entrance: Entrance, account: AccountPages, token: TokenRoute
) -> dict[str, dict[str, Handler]]:
    """Return the handlers by page and method."""
    return {
        "sign-in": {"GET": entrance.show_sign_in, "POST": entrance.sign_in},
        "sign-up": {"GET": entrance.show_sign_up, "POST": entrance.sign_up},
        "verify": {"GET": entrance.show_confirm, "POST": entrance.confirm},
        "reset": {"GET": entrance.show_reset, "POST": entrance.reset},
        "account": {"GET": account.show},
        "password": {"POST": account.change_password},
        "sign-out": {"POST": account.sign_out},
        TOKEN: {"POST": token.give, "OPTIONS": token.preflight},
    }


class Front:
    """Answers requests below `/auth` and `/.well-known`."""

    def __init__(
        self,
        *,
        lent: Facilities,
        options: LocalOptions,
        provider: Provider,
        pages: Pages,
        cookies: Cookies,
        table: dict[str, dict[str, Handler]],
        documents: dict[str, Discovery],
        own: str,
    ) -> None:
        self._lent = lent
        self._options = options
        self._provider = provider
        self._pages = pages
        self._cookies = cookies
        self._table = table
        self._own = own
        self._turnstile = Turnstile(width=options.hash_processes + 1, waiting=options.hash_waiting)
        self._documents: dict[str, Callable[[], Awaitable[Response]]] = {}
        for app, below in ((USERS, ""), (DEVELOPERS, f"{AUTH}/{PLATFORM}")):
            self._documents[below + JWKS] = documents[app].key_set
            self._documents[below + METADATA] = documents[app].metadata

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path: str = request.scope["path"]
        if path in self._documents:
            _check_method(request.method, {"GET"})
            return await self._documents[path]()
        _, _, segment, page = (*path.split("/", 3), "", "")[:4]
        if page == TOKEN:  # For scripts: what goes wrong is a problem, not a page.
            return await self._visit(request, await self._realm(segment), page)
        return await self._page(request, segment, page)

    async def _page(self, request: Request, segment: str, page: str) -> Response:
        realm: Realm | None = None
        try:
            realm = await self._realm(segment)
            if page == "style.css":
                return self._pages.stylesheet(realm)
            if page not in self._table:
                raise NotFoundError("There is no such page.")
            return await self._visit(request, realm, page)
        except InvalidCredentialError:
            return self._pages.failure("There is no such page", "Check the address.", 404)
        except GatewayError as error:
            return self._failure(realm, error)

    async def _visit(self, request: Request, realm: Realm, page: str) -> Response:
        methods = self._table[page]
        method = "GET" if request.method == "HEAD" else request.method
        _check_method(method, set(methods))
        has_form = page != TOKEN
        visit = await read_visit(request, realm, self._cookies, self._own, has_form=has_form)
        if method != "POST" or page not in HASHING:
            return await self._handled(visit, methods[method])
        async with self._turnstile:
            return await self._handled(visit, methods[method])

    async def _handled(self, visit: Visit, handler: Handler) -> Response:
        visit.session = await self._provider.session(visit.realm, visit.session_token)
        return await handler(visit)

    async def _realm(self, segment: str) -> Realm:
        if segment == PLATFORM:
            return of_developers(
                self._options.developer_origins, sign_up=self._options.developer_sign_up
            )
        project = await self._lent.project(segment)
        return of_project(project, segment, sign_up=self._options.sign_up)

    def _failure(self, realm: Realm | None, error: GatewayError) -> Response:
        if realm is None:
            response: Response = self._pages.failure(error.title, error.detail, error.status)
        else:
            response = self._pages.page(
                "notice.html",
                realm,
                error.status,
                title="That did not work",
                detail=error.detail,
                back="Back to sign-in",
                errors={"page": error.code},
            )
        if error.retry_after is not None:
            response.headers["retry-after"] = str(max(1, round(error.retry_after)))
        for name, text in error.headers:
            response.headers[name] = text
        return response


def _check_method(method: str, allowed: set[str]) -> None:
    allowed = {*allowed, "HEAD"} if "GET" in allowed else allowed
    if method not in allowed:
        raise MethodNotAllowedError(headers=(("Allow", ", ".join(sorted(allowed))),))

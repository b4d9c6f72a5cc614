"""What every page needs, and the ways that pages have in common."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse

from dream_gateway.cookies import DEVICE_SECONDS
from dream_gateway_local import forgery, redirects
from dream_gateway_local.accounts import email_key
from dream_gateway_local.visit import BROWSER, check_forgery, device_cookie, session_cookie

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway.cookies import Cookies
    from dream_gateway_local.accounts import Account
    from dream_gateway_local.options import LocalOptions
    from dream_gateway_local.provider import Entered, Provider, Visitor
    from dream_gateway_local.rendering import Pages
    from dream_gateway_local.visit import Visit

SEE_OTHER = 303
UNPROCESSABLE = 422


class Desk:
    """Shows pages, lets people in, and sends them on. `own` is the origin of the pages."""

    def __init__(
        self,
        *,
        provider: Provider,
        pages: Pages,
        cookies: Cookies,
        options: LocalOptions,
        key: bytes,
        own: str,
    ) -> None:
        self.provider = provider
        self.options = options
        self._pages = pages
        self._cookies = cookies
        self._key = key
        self.own = own

    def check(self, visit: Visit) -> None:
        """Raise `ForbiddenError` if a form is forged."""
        check_forgery(visit, self._key, (self.own,))

    def visitor(self, visit: Visit, email: str) -> Visitor:
        """Return who is at a form that is about an address."""
        return visit.visitor(self._key, self._cookies, email_key(email))

    def show(self, visit: Visit, page: str, status: int = 200, **values: object) -> Response:
        """Show a page, with whatever was wrong with what was entered."""
        onward = visit.onward()
        known: dict[str, Any] = {
            "errors": visit.errors,
            "notice": "",
            "email": visit.value("email"),
            "token": visit.form_token(self._key),
            "redirect": visit.redirect,
            "state": visit.state,
            "onward": f"?{onward}" if onward else "",
            "shortest": self.options.password_length,
        }
        status = UNPROCESSABLE if visit.errors else status
        response = self._pages.page(page, visit.realm, status, **{**known, **values})
        if visit.browser != self._cookies.read(visit.request, BROWSER):
            self._cookies.put(response, BROWSER, visit.browser)
        return response

    def tell(self, visit: Visit, title: str, detail: str, status: int = 200) -> Response:
        """Show a page that only says something."""
        return self.show(
            visit, "notice.html", status, title=title, detail=detail, back="Back to sign-in"
        )

    async def enter(self, visit: Visit, entered: Entered) -> Response:
        """Let somebody in who has just signed in, and send them on."""
        if entered.session is None:
            return self.tell(
                visit,
                "Confirm your address",
                f"We sent a link to {entered.account.email}. Follow it to confirm the address; it "
                "holds for a day.",
            )
        response = await self.leave(visit, entered.account)
        seconds = self.options.session_seconds
        self._cookies.put(response, session_cookie(visit.realm), entered.session, seconds)
        device = secrets.token_urlsafe(16)
        proof = forgery.device_token(
            self._key, device, visit.realm.id, email_key(entered.account.email)
        )
        self._cookies.put(response, device_cookie(visit.realm), f"{device}.{proof}", DEVICE_SECONDS)
        return response

    async def leave(self, visit: Visit, account: Account) -> Response:
        """Send somebody on to where they came from, with a code; or to their account."""
        if not visit.redirect:
            return self.go(visit, "/account")
        more: dict[str, str] = {}
        # Our own pages take codes as well: the dashboard signs developers in with them.
        if visit.realm.sends_codes or redirects.is_allowed(visit.redirect, (self.own,)):
            more["code"] = await self.provider.code(account, visit.redirect)
        if visit.state:
            more["state"] = visit.state
        url = redirects.with_parameters(visit.redirect, **more) if more else visit.redirect
        return _see_other(url)

    def go(self, visit: Visit, path: str) -> Response:
        """Send somebody to another page of the realm."""
        return _see_other(visit.realm.path + path)

    def forget(self, visit: Visit, response: Response) -> Response:
        """Have the browser forget its session."""
        self._cookies.drop(response, session_cookie(visit.realm))
        return response


def _see_other(url: str) -> Response:
    headers = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
    return RedirectResponse(url, SEE_OTHER, headers)

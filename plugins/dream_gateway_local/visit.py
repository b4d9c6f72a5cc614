"""One request to a page: what it brought, checked as far as that can be without an account."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dream_gateway.errors import BadRequestError, ForbiddenError
from dream_gateway.forms import read_form
from dream_gateway.origins import is_own
from dream_gateway_local import forgery, redirects
from dream_gateway_local.provider import Visitor

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.requests import Request

    from dream_gateway.cookies import Cookies
    from dream_gateway_local.realm import Realm
    from dream_gateway_local.sessions import Session

LONGEST_BODY = 16_384
MOST_FIELDS = 32
LONGEST_STATE = 512
BROWSER = "form"
"""The cookie that a form's token is bound to."""


@dataclass(slots=True)
class Visit:
    """A request as its page sees it. `values` are the form's, or the query's of a GET.

    `browser` is the value the form's token is bound to. `redirect` is where to go on to, which was
    checked, or empty.
    """

    request: Request
    realm: Realm
    values: dict[str, str]
    browser: str
    session_token: str
    session: Session | None = None
    redirect: str = ""
    state: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """Return what was entered, empty if nothing was."""
        return self.values.get(name, "")

    def visitor(self, key: bytes, cookies: Cookies, email_key: str) -> Visitor:
        """Return who is at the form, and whether their browser is known to that account."""
        client = self.request.client
        device, _, proof = cookies.read(self.request, device_cookie(self.realm)).partition(".")
        wanted = forgery.device_token(key, device, self.realm.id, email_key)
        is_known = bool(device) and forgery.is_same(proof, wanted)
        address = client.host if client else None
        return Visitor(address, device if is_known else "", self.onward())

    def onward(self) -> str:
        """Return the query that carries on where to go, empty for nowhere."""
        pairs = [("redirect_url", self.redirect), ("state", self.state)]
        return urlencode([pair for pair in pairs if pair[1]]) if self.redirect else ""

    def form_token(self, key: bytes) -> str:
        """Return the token of the forms on the page."""
        return forgery.form_token(key, self.browser, self.realm.id, self.session_token)


def session_cookie(realm: Realm) -> str:
    """Return the name of the cookie that holds a realm's session."""
    return f"session-{realm.id}"


def device_cookie(realm: Realm) -> str:
    """Return the name of the cookie that tells of an earlier sign-in."""
    return f"device-{realm.id}"


async def read_visit(
    request: Request, realm: Realm, cookies: Cookies, own: str, *, has_form: bool = True
) -> Visit:
    """Return a request as its page sees it.

    Raises `BadRequestError` for a form that cannot be read, or a place it may not send people to.
    """
    values = dict(request.query_params) if request.method != "POST" else {}
    if request.method == "POST" and has_form:
        values = dict(await read_form(request, longest=LONGEST_BODY, most=MOST_FIELDS))
    browser = cookies.read(request, BROWSER)
    visit = Visit(
        request=request,
        realm=realm,
        values=values,
        browser=browser or secrets.token_urlsafe(16),
        session_token=cookies.read(request, session_cookie(realm)),
        redirect=values.get("redirect_url", ""),
        state=values.get("state", "")[:LONGEST_STATE],
    )
    # Developers may be sent on to the service's own pages; users only to their project's.
    allowed = realm.origins if realm.sends_codes else (*realm.origins, own)
    if visit.redirect and not redirects.is_allowed(visit.redirect, allowed):
        raise BadRequestError("This page does not send anybody to that address.")
    return visit


def check_forgery(visit: Visit, key: bytes, own: Collection[str]) -> None:
    """Raise `ForbiddenError` if a form was not sent from a page of ours, to the browser that got it."""
    fields = visit.request.headers
    is_ours = is_own(fields.get("origin"), fields.get("sec-fetch-site"), fields.get("host"), own)
    if not is_ours or not forgery.is_same(visit.value("token"), visit.form_token(key)):
        raise ForbiddenError(
            "This form is too old, or this browser keeps no cookies. Go back, load the page again, "
            "and send it once more."
        )

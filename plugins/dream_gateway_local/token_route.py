"""`POST /auth/{realm}/token`: the token of whoever is signed in, for scripts of allowed origins."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from dream_gateway.errors import ForbiddenError, MissingCredentialError
from dream_gateway.origins import is_own
from dream_gateway_local import redirects
from dream_gateway_local.rendering import SAFETY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dream_gateway.hookspecs import SignedIn
    from dream_gateway_local.accounts import Account
    from dream_gateway_local.realm import Realm
    from dream_gateway_local.visit import Visit

    Issue = Callable[[Account, Realm], Awaitable[SignedIn]]

PREFLIGHT_SECONDS = 600


class TokenRoute:
    """Answers with CORS fields for the one origin that asks, if it may."""

    def __init__(self, issue: Issue, own: str) -> None:
        self._issue = issue
        self._own = own

    async def preflight(self, visit: Visit) -> Response:
        """Tell a browser whether a page of its origin may ask."""
        headers = {
            **self._cors(visit),
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "content-type",
            "access-control-max-age": str(PREFLIGHT_SECONDS),
        }
        return Response(status_code=204, headers=headers)

    async def give(self, visit: Visit) -> Response:
        """Give the token, in the body and nowhere else."""
        headers = {**SAFETY, **self._cors(visit), "cache-control": "no-store"}
        if visit.session is None:
            fields = tuple(
                (name, text) for name, text in headers.items() if name != "cache-control"
            )
            raise MissingCredentialError("Nobody is signed in here.", headers=fields)
        found = await self._issue(visit.session.account, visit.realm)
        expires_at = datetime.fromtimestamp(found.expires_at, UTC).isoformat()
        answer = {
            "token": found.token,
            "tokenType": "Bearer",
            "expiresAt": expires_at.replace("+00:00", "Z"),
            "userId": found.subject,
            "email": found.email,
        }
        return JSONResponse(answer, headers=headers)

    def _cors(self, visit: Visit) -> dict[str, str]:
        """Return the fields for the page that asks; raises `ForbiddenError` for any other page."""
        fields = visit.request.headers
        origin = fields.get("origin")
        if is_own(origin, fields.get("sec-fetch-site"), fields.get("host"), (self._own,)):
            return {"vary": "Origin"}
        if origin is None or not redirects.is_allowed(origin, visit.realm.origins):
            raise ForbiddenError(
                "This origin may not ask for tokens.", headers=(("Vary", "Origin"),)
            )
        return {
            "vary": "Origin",
            "access-control-allow-origin": origin,
            "access-control-allow-credentials": "true",
        }

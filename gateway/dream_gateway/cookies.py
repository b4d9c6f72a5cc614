"""The cookies: which there are, and how they are set (RFC 6265bis).

All are HttpOnly and of this host alone; over https they are Secure and carry the prefix `__Host-`, so
that no other subdomain can set them. `SameSite=Lax`: they come along when somebody follows a link here,
and with requests from other subdomains of the same site, but not with another site's forms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

LONGEST = 256
DEVICE_SECONDS = 400 * 86_400
"""The longest that browsers keep a cookie."""


class Cookies:
    """Reads and sets them. `secure`: whether browsers reach the pages over https."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self._prefix = "__Host-" if secure else ""

    def read(self, request: Request, name: str) -> str:
        """Return a cookie's value, empty if there is none."""
        return self.among(request.cookies, name)

    def among(self, cookies: Mapping[str, str], name: str) -> str:
        """Return a cookie's value among all that a browser sent, empty if there is none."""
        value = cookies.get(self._prefix + name, "")
        return value if len(value) <= LONGEST else ""

    def put(self, response: Response, name: str, value: str, seconds: float | None = None) -> None:
        """Set a cookie; without `seconds` it goes with the browser's session."""
        response.set_cookie(
            self._prefix + name,
            value,
            max_age=None if seconds is None else int(seconds),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def drop(self, response: Response, name: str) -> None:
        """Have a cookie forgotten."""
        response.delete_cookie(
            self._prefix + name, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

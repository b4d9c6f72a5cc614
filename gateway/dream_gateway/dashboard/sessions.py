"""Sessions of browsers: two cookies, one for a developer and one for the operator.

A session ends at its absolute end, after a time without use, at sign-out, and the operator's with the
token it was begun with.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING

from dream_gateway.records import dashboard_sessions

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from dream_gateway.cookies import Cookies
    from dream_gateway.gateway import Gateway
    from dream_gateway.records.dashboard_sessions import Session

DEVELOPER, OPERATOR = "dashboard", "operator"
"""The names of the cookies."""

TOUCH_SECONDS = 60.0
"""How old the note of a session's last use may become: not every request is a write."""

SECRET_BYTES = 32


class Sessions:
    """Begins, finds and ends sessions."""

    def __init__(self, gateway: Gateway, cookies: Cookies) -> None:
        self._gateway = gateway
        self._cookies = cookies
        self._operators = [_digest(token) for token in gateway.settings.operator_tokens]

    async def begin_developer(self, response: Response, developer_id: str) -> None:
        """Sign a developer in."""
        await self._begin(response, DEVELOPER, developer=developer_id)

    async def begin_operator(self, response: Response, token: str) -> None:
        """Sign the operator in."""
        await self._begin(response, OPERATOR, operator=_digest(token))

    async def open_link(self, response: Response, secret: str) -> bool:
        """Sign in whom a link is for, that was opened for the first time. Returns whether it was."""
        async with self._gateway.records.write(DEVELOPER) as writer:
            developer = await dashboard_sessions.open_link(writer, _digest(secret))
        if developer is not None:
            await self.begin_developer(response, developer)
        return developer is not None

    async def find(
        self, request: Request, name: str, *, is_use: bool = True
    ) -> tuple[str, Session | None]:
        """Return a cookie's secret, and its session if that holds; `is_use` prolongs it."""
        secret = self._cookies.read(request, name)
        if not secret:
            return "", None
        settings, now = self._gateway.settings, self._gateway.clock.now()
        digest = _digest(secret)
        async with self._gateway.records.read() as connection:
            found = await dashboard_sessions.find(
                connection, digest, now=now, idle=settings.dashboard_idle
            )
        if found is None or not self._holds(found, name):
            return "", None
        if is_use and found.seen_at <= now - TOUCH_SECONDS:
            async with self._gateway.records.write(name) as writer:
                await dashboard_sessions.touch(writer, digest)
        return secret, found

    async def end(self, response: Response, session: Session, name: str) -> None:
        """Sign out."""
        async with self._gateway.records.write(name) as writer:
            await dashboard_sessions.end(writer, session.digest)
        self._cookies.drop(response, name)

    async def _begin(
        self,
        response: Response,
        name: str,
        *,
        developer: str | None = None,
        operator: bytes | None = None,
    ) -> None:
        secret, lasts = (
            secrets.token_urlsafe(SECRET_BYTES),
            self._gateway.settings.dashboard_session,
        )
        async with self._gateway.records.write(name) as writer:
            await dashboard_sessions.begin(
                writer, _digest(secret), writer.now + lasts, developer=developer, operator=operator
            )
        self._cookies.put(response, name, secret, lasts)

    def _holds(self, session: Session, name: str) -> bool:
        """Return whether a session is of this cookie's kind, and its token still among the settings."""
        if name == DEVELOPER:
            return session.developer is not None
        given = session.operator or b""
        return sum([compare_digest(given, known) for known in self._operators]) > 0


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()

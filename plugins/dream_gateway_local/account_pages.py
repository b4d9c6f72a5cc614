"""The pages for those who are signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway_local.faults import FormError

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway_local.desk import Desk
    from dream_gateway_local.visit import Visit

CHANGED = "Your password is changed."


class AccountPages:
    """Handlers by page; who is not signed in is sent to sign in."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, visit: Visit) -> Response:
        """Show the account."""
        if visit.session is None:
            return self._desk.go(visit, "/sign-in")
        return self._account(visit)

    async def change_password(self, visit: Visit) -> Response:
        """Change the password."""
        self._desk.check(visit)
        session = visit.session
        if session is None:
            return self._desk.go(visit, "/sign-in")
        try:
            await self._desk.provider.change_password(
                visit.realm,
                self._desk.visitor(visit, session.account.email),
                session,
                visit.value("password"),
                visit.value("new-password"),
            )
        except FormError as fault:
            text = "This is not your password." if fault.field == "password" else fault.text
            visit.errors[fault.field] = text
            return self._account(visit)
        return self._account(visit, CHANGED)

    async def sign_out(self, visit: Visit) -> Response:
        """End the session, or all of them."""
        self._desk.check(visit)
        if visit.session is not None:
            everywhere = bool(visit.value("everywhere"))
            await self._desk.provider.sign_out(
                visit.session, visit.session_token, everywhere=everywhere
            )
        return self._desk.forget(visit, self._desk.go(visit, "/sign-in"))

    def _account(self, visit: Visit, notice: str = "") -> Response:
        account = visit.session and visit.session.account
        return self._desk.show(visit, "account.html", account=account, notice=notice)

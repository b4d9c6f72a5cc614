"""The pages for those who are not signed in: sign-up, sign-in, confirmation and reset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import ConflictError, ForbiddenError
from dream_gateway_local.accounts import NewAccount
from dream_gateway_local.faults import FormError, check_email, check_name

if TYPE_CHECKING:
    from starlette.responses import Response

    from dream_gateway_local.desk import Desk
    from dream_gateway_local.visit import Visit

TAKEN = "This address cannot be signed up. If you have an account, sign in, or reset the password."
STALE = "The link was used already, or is too old. You can ask for another one."


class Entrance:
    """Handlers by page; each takes a visit and returns the answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show_sign_in(self, visit: Visit) -> Response:
        """Show the form, or send on who is signed in."""
        if visit.session is not None:
            return await self._desk.leave(visit, visit.session.account)
        return self._sign_in(visit)

    async def sign_in(self, visit: Visit) -> Response:
        """Sign in."""
        self._desk.check(visit)
        try:
            email = check_email(visit.value("email"))
            entered = await self._desk.provider.sign_in(
                visit.realm,
                self._desk.visitor(visit, email),
                email,
                visit.value("password"),
                visit.session_token,
            )
        except FormError as fault:
            visit.errors[fault.field] = fault.text
            return self._sign_in(visit)
        return await self._desk.enter(visit, entered)

    async def show_sign_up(self, visit: Visit) -> Response:
        """Show the form, or send on who is signed in."""
        _check_open(visit)
        if visit.session is not None:
            return await self._desk.leave(visit, visit.session.account)
        return self._sign_up(visit)

    async def sign_up(self, visit: Visit) -> Response:
        """Create an account."""
        _check_open(visit)
        self._desk.check(visit)
        try:
            new = NewAccount(
                realm=visit.realm.id,
                email=check_email(visit.value("email")),
                password=visit.value("new-password"),
                first_name=check_name("first-name", visit.value("first-name")),
                last_name=check_name("last-name", visit.value("last-name")),
            )
            visitor = self._desk.visitor(visit, new.email)
            entered = await self._desk.provider.sign_up(visit.realm, visitor, new)
        except FormError as fault:
            visit.errors[fault.field] = fault.text
            return self._sign_up(visit)
        except ConflictError:
            visit.errors["email"] = TAKEN
            return self._sign_up(visit)
        if entered is not None:
            return await self._desk.enter(visit, entered)
        return self._desk.tell(
            visit,
            "Look into your inbox",
            f"We sent a mail to {new.email}. Follow the link in it to go on.",
        )

    async def show_confirm(self, visit: Visit) -> Response:
        """Show the form that a link in a mail leads to."""
        email = await self._desk.provider.verify_email(visit.realm, visit.value("ticket"))
        if email is None:
            return self._stale(visit)
        return self._confirm(visit, email)

    async def confirm(self, visit: Visit) -> Response:
        """Confirm an address, and sign in."""
        self._desk.check(visit)
        ticket = visit.value("ticket")
        email = await self._desk.provider.verify_email(visit.realm, ticket)
        if email is None:
            return self._stale(visit)
        try:
            entered = await self._desk.provider.confirm(
                visit.realm, self._desk.visitor(visit, email), ticket, visit.value("password")
            )
        except FormError as fault:
            visit.errors[fault.field] = "This is not the password you signed up with."
            return self._confirm(visit, email)
        if entered is None:
            return self._stale(visit)
        return await self._desk.enter(visit, entered)

    async def show_reset(self, visit: Visit) -> Response:
        """Show the form that asks for a link, or with one, that for a new password."""
        if not visit.value("ticket"):
            return self._desk.show(visit, "reset.html")
        email = await self._desk.provider.reset_email(visit.realm, visit.value("ticket"))
        return self._stale(visit) if email is None else self._new_password(visit, email)

    async def reset(self, visit: Visit) -> Response:
        """Have a link sent, or set a new password."""
        self._desk.check(visit)
        if visit.value("ticket"):
            return await self._set_password(visit)
        try:
            email = check_email(visit.value("email"))
        except FormError as fault:
            visit.errors[fault.field] = fault.text
            return self._desk.show(visit, "reset.html")
        await self._desk.provider.ask_reset(visit.realm, self._desk.visitor(visit, email), email)
        return self._desk.tell(
            visit,
            "Look into your inbox",
            f"If {email} has an account, a link to choose a new password is on its way.",
        )

    async def _set_password(self, visit: Visit) -> Response:
        ticket = visit.value("ticket")
        email = await self._desk.provider.reset_email(visit.realm, ticket)
        if email is None:
            return self._stale(visit)
        visitor = self._desk.visitor(visit, email)
        try:
            account = await self._desk.provider.reset(
                visit.realm, visitor, ticket, visit.value("new-password")
            )
        except FormError as fault:
            visit.errors[fault.field] = fault.text
            return self._new_password(visit, email)
        if account is None:
            return self._stale(visit)
        shown = self._sign_in(visit, email, "Your password is set. Sign in with it.")
        return self._desk.forget(visit, shown)

    def _sign_in(self, visit: Visit, email: str = "", notice: str = "") -> Response:
        email = email or visit.value("email")
        return self._desk.show(visit, "sign_in.html", email=email, notice=notice)

    def _sign_up(self, visit: Visit) -> Response:
        return self._desk.show(
            visit,
            "sign_up.html",
            first_name=visit.value("first-name"),
            last_name=visit.value("last-name"),
        )

    def _confirm(self, visit: Visit, email: str) -> Response:
        return self._desk.show(visit, "confirm.html", email=email, ticket=visit.value("ticket"))

    def _new_password(self, visit: Visit, email: str) -> Response:
        return self._desk.show(
            visit, "new_password.html", email=email, ticket=visit.value("ticket")
        )

    def _stale(self, visit: Visit) -> Response:
        return self._desk.tell(visit, "This link does not work", STALE, 400)


def _check_open(visit: Visit) -> None:
    if not visit.realm.sign_up:
        raise ForbiddenError("Accounts are not opened here. Ask whoever invited you.")

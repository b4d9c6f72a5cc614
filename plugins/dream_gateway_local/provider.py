"""What can be done with accounts, whatever page or hook asks for it.

Nobody learns from an answer, or from how long it takes, whether an address has an account.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.errors import ConflictError
from dream_gateway_local import accounts, secret, sessions, tickets
from dream_gateway_local.accounts import Account, NewAccount, email_key
from dream_gateway_local.faults import WrongPasswordError, refuse_weak
from dream_gateway_local.realm import PLATFORM
from dream_gateway_local.tickets import Purpose

if TYPE_CHECKING:
    from dream_gateway.facilities import Facilities, Writing
    from dream_gateway_local.limits import Attempts
    from dream_gateway_local.options import LocalOptions
    from dream_gateway_local.passwords import Passwords
    from dream_gateway_local.post import Post
    from dream_gateway_local.realm import Realm
    from dream_gateway_local.sessions import Session

ACTOR = "local"


class Visitor(NamedTuple):
    """Who is at a form: their address, and what names the browser that an account knows.

    `onward` is the query that carries on, through a mail, where they wanted to go.
    """

    address: str | None
    device: str = ""
    onward: str = ""


class Entered(NamedTuple):
    """A sign-in that went well: the session's secret. `None`: the address is to be confirmed first."""

    account: Account
    session: str | None


class Provider:
    """The accounts of every realm. Use it from one event loop."""

    def __init__(
        self,
        lent: Facilities,
        options: LocalOptions,
        passwords: Passwords,
        attempts: Attempts,
        post: Post,
        *,
        issuer: str,
    ) -> None:
        """Keep accounts; `issuer` is who names developers to the dashboard."""
        self._lent = lent
        self._options = options
        self._passwords = passwords
        self._attempts = attempts
        self._post = post
        self._issuer = issuer

    async def sign_up(self, realm: Realm, visitor: Visitor, new: NewAccount) -> Entered | None:
        """Create an account, whose `password` is one, not its hash, and sign it in.

        `None`: it is to be confirmed first, or the address has an account already; a mail says which.
        Where addresses are not confirmed, a taken one raises `ConflictError`.
        """
        refuse_weak(new.password, new.email, self._options.password_length)
        await self._count(realm, "sign-up", visitor, new.email)
        hashed = await self._passwords.hash(new.password)
        async with self._lent.write(ACTOR) as writer:
            known = await accounts.named(writer.connection, realm.id, new.email)
            if known is None:
                account = await accounts.add(writer, replace(new, password=hashed))
                kind, purpose = "verify", Purpose.VERIFY
            else:
                account = known
                kind, purpose = _reminder(known)
            if not self._options.verify_email:
                if known is not None:
                    raise ConflictError("This address cannot be signed up.")
                lasts = self._options.session_seconds
                return Entered(account, await sessions.begin(writer, account.id, lasts))
            ticket = await tickets.issue(writer, purpose, account.id)
        self._post.send(kind, realm, account.email, ticket, visitor.onward)
        return None

    async def sign_in(
        self, realm: Realm, visitor: Visitor, email: str, password: str, old: str = ""
    ) -> Entered:
        """Begin a session, in the place of the `old` one. Raises `WrongPasswordError`."""
        await self._count(realm, "sign-in", visitor, email)
        async with self._lent.read() as connection:
            account = await accounts.named(connection, realm.id, email)
        account = await self._checked(account, password)
        rehashed = await self._rehashed(account, password)
        if self._options.verify_email and not account.email_verified:
            await self._ask_to_confirm(realm, account, visitor.onward)
            return Entered(account, None)
        async with self._lent.write(ACTOR) as writer:
            if rehashed:
                await accounts.change(writer, account.id, password=rehashed)
            await sessions.end(writer, old)
            session = await sessions.begin(writer, account.id, self._options.session_seconds)
        return Entered(account, session)

    async def confirm(
        self, realm: Realm, visitor: Visitor, ticket: str, password: str
    ) -> Entered | None:
        """Confirm an address and sign in; `None` for a ticket that does not hold.

        It takes the password too: whoever signs up with another's address does not get it confirmed
        by a click on a link that its owner never asked for. Raises `WrongPasswordError`.
        """
        account = await self._of_ticket(realm, Purpose.VERIFY, ticket)
        if account is None:
            return None
        await self._count(realm, "sign-in", visitor, account.email)
        account = await self._checked(account, password)
        async with self._lent.write(ACTOR) as writer:
            if await tickets.redeem(writer, Purpose.VERIFY, ticket) is None:
                return None
            await accounts.change(writer, account.id, email_verified=True)
            session = await sessions.begin(writer, account.id, self._options.session_seconds)
        return Entered(account, session)

    async def ask_reset(self, realm: Realm, visitor: Visitor, email: str) -> None:
        """Have a link to choose a new password sent, if there is such an account."""
        await self._count(realm, "reset", visitor, email)
        # All that depends on whether there is one is done after the answer.
        self._post.errand(lambda: self._send_reset(realm, email))

    async def reset_email(self, realm: Realm, ticket: str) -> str | None:
        """Return whose password a ticket may reset, `None` if it does not hold."""
        account = await self._of_ticket(realm, Purpose.RESET, ticket)
        return None if account is None else account.email

    async def verify_email(self, realm: Realm, ticket: str) -> str | None:
        """Return whose address a ticket may confirm, `None` if it does not hold."""
        account = await self._of_ticket(realm, Purpose.VERIFY, ticket)
        return None if account is None else account.email

    async def reset(
        self, realm: Realm, visitor: Visitor, ticket: str, password: str
    ) -> Account | None:
        """Set a new password; `None` for a ticket that does not hold.

        Every session ends, in the dashboard too, and the address is confirmed: the link was sent there.
        """
        account = await self._of_ticket(realm, Purpose.RESET, ticket)
        if account is None:
            return None
        refuse_weak(password, account.email, self._options.password_length)
        await self._count(realm, "reset", visitor, account.email)
        hashed = await self._passwords.hash(password)
        async with self._lent.write(ACTOR) as writer:
            if await tickets.redeem(writer, Purpose.RESET, ticket) is None:
                return None
            await accounts.change(writer, account.id, password=hashed, email_verified=True)
            await self._end_all(writer, account)
            await tickets.void(writer, account.id)
        self._post.send("changed", realm, account.email)
        return account

    async def change_password(
        self, realm: Realm, visitor: Visitor, session: Session, old: str, new: str
    ) -> None:
        """Change a password; every other session ends, and all in the dashboard.

        Raises `WrongPasswordError`.
        """
        account = session.account
        refuse_weak(new, account.email, self._options.password_length)
        await self._count(realm, "sign-in", visitor, account.email)
        await self._checked(account, old)
        hashed = await self._passwords.hash(new)
        async with self._lent.write(ACTOR) as writer:
            await accounts.change(writer, account.id, password=hashed)
            await self._end_all(writer, account, but=session.digest)
            await tickets.void(writer, account.id)
        self._post.send("changed", realm, account.email)

    async def session(self, realm: Realm, token: str) -> Session | None:
        """Return the session of a cookie's secret, if it holds."""
        if not token:
            return None
        async with self._lent.read() as connection:
            found = await sessions.find(
                connection,
                token,
                realm=realm.id,
                now=self._lent.clock.now(),
                idle=self._options.session_idle,
            )
        if found is not None and found.is_due:
            async with self._lent.write(ACTOR) as writer:
                await sessions.touch(writer, found)
        return found

    async def sign_out(self, session: Session, token: str, *, everywhere: bool) -> None:
        """End a session, or every one of its account, in the dashboard too."""
        async with self._lent.write(ACTOR) as writer:
            if everywhere:
                await self._end_all(writer, session.account)
            else:
                await sessions.end(writer, token)

    async def end_session(self, token: str) -> None:
        """End the session of a cookie's secret; one that is not there is no error."""
        async with self._lent.write(ACTOR) as writer:
            await sessions.end(writer, token)

    async def code(self, account: Account, target: str) -> str:
        """Return a code for the token of an account, sent to an address that was checked."""
        async with self._lent.write(ACTOR) as writer:
            return await tickets.issue(writer, Purpose.CODE, account.id, target)

    async def redeem_code(self, project: str, code: str, target: str | None) -> Account | None:
        """Use a code up; `None` if it does not hold, or is another project's or address's."""
        async with self._lent.write(ACTOR) as writer:
            ticket = await tickets.redeem(writer, Purpose.CODE, code)
            account = ticket and await accounts.by_id(writer.connection, ticket.account_id)
        if not ticket or not account or account.realm != project:
            return None
        return account if target in {None, ticket.target} else None

    async def create(self, new: NewAccount) -> Account:
        """Create an account on a developer's word. Raises `ConflictError` if the address is taken."""
        refuse_weak(new.password, new.email, self._options.password_length)
        hashed = await self._passwords.hash(new.password)
        async with self._lent.write(ACTOR) as writer:
            await _check_free(writer, new.realm, new.email)
            return await accounts.add(writer, replace(new, password=hashed))

    async def invite(self, realm: Realm, email: str) -> None:
        """Create an account without a password, and send a link to choose one.

        Raises `ConflictError` if the address is taken.
        """
        hashed = await self._passwords.hash(secret.mint())
        async with self._lent.write(ACTOR) as writer:
            await _check_free(writer, realm.id, email)
            account = await accounts.add(writer, NewAccount(realm.id, email, hashed))
            lasts = tickets.INVITATION_SECONDS
            ticket = await tickets.issue(writer, Purpose.RESET, account.id, lasts=lasts)
        self._post.send("invited", realm, account.email, ticket)

    async def find(self, realm: str, email: str) -> Account | None:
        """Return the account that has an address."""
        async with self._lent.read() as connection:
            return await accounts.named(connection, realm, email)

    async def delete(self, account_id: str) -> None:
        """Delete an account, its sessions and tickets; nobody is there the second time."""
        async with self._lent.write(ACTOR) as writer:
            account = await accounts.by_id(writer.connection, account_id)
            if account is not None:
                await self._end_all(writer, account)
                await accounts.remove(writer, account_id)

    async def _end_all(self, writer: Writing, account: Account, but: bytes | None = None) -> None:
        """End every session of an account but one: a developer's in the dashboard, too."""
        await sessions.end_all(writer, account.id, but=but)
        if account.realm == PLATFORM:
            await self._lent.sign_out(writer, self._issuer, account.id)

    async def _count(self, realm: Realm, action: str, visitor: Visitor, email: str) -> None:
        await self._attempts.count(
            realm.id,
            action,
            address=visitor.address,
            account=email_key(email),
            device=visitor.device,
        )

    async def _checked(self, account: Account | None, password: str) -> Account:
        fits = await self._passwords.check(account.password if account else None, password)
        if account is None or not fits:
            raise WrongPasswordError
        return account

    async def _rehashed(self, account: Account, password: str) -> str | None:
        if not self._passwords.is_outdated(account.password):
            return None
        return await self._passwords.hash(password)

    async def _of_ticket(self, realm: Realm, purpose: Purpose, ticket: str) -> Account | None:
        async with self._lent.read() as connection:
            found = await tickets.look(connection, purpose, ticket, self._lent.clock.now())
            account = found and await accounts.by_id(connection, found.account_id)
        return account if account and account.realm == realm.id else None

    async def _ask_to_confirm(self, realm: Realm, account: Account, onward: str) -> None:
        async with self._lent.write(ACTOR) as writer:
            ticket = await tickets.issue(writer, Purpose.VERIFY, account.id)
        self._post.send("verify", realm, account.email, ticket, onward)

    async def _send_reset(self, realm: Realm, email: str) -> None:
        async with self._lent.write(ACTOR) as writer:
            account = await accounts.named(writer.connection, realm.id, email)
            if account is None:
                return
            ticket = await tickets.issue(writer, Purpose.RESET, account.id)
        await self._post.send_now("reset", realm, account.email, ticket)


async def _check_free(writer: Writing, realm: str, email: str) -> None:
    if await accounts.named(writer.connection, realm, email) is not None:
        raise ConflictError("An account has this address already.")


def _reminder(known: Account) -> tuple[str, Purpose]:
    """Return what to send to an address that has an account already."""
    return ("known", Purpose.RESET) if known.email_verified else ("verify", Purpose.VERIFY)

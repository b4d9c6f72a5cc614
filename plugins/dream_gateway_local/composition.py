"""Puts the plugin's parts together on what a gateway lends."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dream_gateway.cookies import Cookies
from dream_gateway.hookspecs import Identified
from dream_gateway_local.account_pages import AccountPages
from dream_gateway_local.desk import Desk
from dream_gateway_local.discovery import Discovery
from dream_gateway_local.entrance import Entrance
from dream_gateway_local.formkey import form_key
from dream_gateway_local.keyring import Keyring
from dream_gateway_local.letters import Letters
from dream_gateway_local.limits import Attempts
from dream_gateway_local.mailroom import LoggingMailer, Mailroom
from dream_gateway_local.passwords import Passwords
from dream_gateway_local.post import Post
from dream_gateway_local.provider import Provider
from dream_gateway_local.realm import DEVELOPERS, PLATFORM, USERS, of_developers
from dream_gateway_local.rendering import Pages
from dream_gateway_local.site import AUTH, Front, page_table
from dream_gateway_local.token_route import TokenRoute
from dream_gateway_local.tokens import Tokens
from dream_gateway_local.visit import session_cookie

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.facilities import Facilities
    from dream_gateway.hookspecs import SignedIn
    from dream_gateway.model import Project
    from dream_gateway_local.accounts import Account
    from dream_gateway_local.options import LocalOptions
    from dream_gateway_local.realm import Realm


class Parts:
    """Everything of the plugin that runs. `front` is there once it is open."""

    front: Front

    def __init__(self, lent: Facilities, options: LocalOptions) -> None:
        self.lent = lent
        self._options = options
        self._own = options.issuer or lent.service_url
        self._cookies = Cookies(secure=self._own.startswith("https:"))
        self._passwords = Passwords(options)
        self._mailroom = Mailroom()
        self._keyrings = {
            app: Keyring(lent, app, lasts=options.key_seconds, token_seconds=options.token_seconds)
            for app in (USERS, DEVELOPERS)
        }
        self.issuers = {USERS: self._own, DEVELOPERS: f"{self._own}{AUTH}/{PLATFORM}"}
        self.tokens = {
            app: Tokens(self.issuers[app], keyring, lent.clock, options.token_seconds)
            for app, keyring in self._keyrings.items()
        }
        mailer = lent.mailers[0] if lent.mailers else LoggingMailer()
        attempts = Attempts(
            lent.ledger, per_address=options.address_rate, per_account=options.account_rate
        )
        post = Post(Letters(self._own), mailer, self._mailroom)
        self.provider = Provider(
            lent, options, self._passwords, attempts, post, issuer=self.issuers[DEVELOPERS]
        )

    async def open(self) -> None:
        """Read the keys, or make the first ones.

        Raises `ConfigurationError` if they cannot be sealed.
        """
        for keyring in self._keyrings.values():
            await keyring.open()
        self.front = self._front(await form_key(self.lent))
        self._mailroom.open()

    async def aclose(self) -> None:
        """Stop hashing and sending. Safe to call twice, and without `open`."""
        await self._mailroom.aclose()
        await self._passwords.aclose()

    async def drained(self) -> None:
        """Return once every mail that was due is sent, or given up."""
        await self._mailroom.drained()

    def entrance(self, return_url: str, state: str, *, sign_up: bool) -> str:
        """Return the page on which developers sign in, or up, and go on to an address."""
        query = urlencode({"redirect_url": return_url, "state": state})
        return f"{self._own}{AUTH}/{PLATFORM}/{'sign-up' if sign_up else 'sign-in'}?{query}"

    async def developer(self, code: str, return_url: str) -> Identified | None:
        """Return whom a code names that was sent to an address, once; `None` for any other code."""
        account = await self.provider.redeem_code(PLATFORM, code, return_url)
        if account is None:
            return None
        return Identified(
            issuer=self.issuers[DEVELOPERS],
            subject=account.id,
            email=account.email,
            email_verified=account.email_verified,
            first_name=account.first_name,
            last_name=account.last_name,
        )

    async def sign_out(self, cookies: Mapping[str, str]) -> None:
        """End the session of a developer's browser."""
        realm = of_developers((), sign_up=False)
        token = self._cookies.among(cookies, session_cookie(realm))
        if token:
            await self.provider.end_session(token)

    async def token(self, account: Account, project: Project) -> SignedIn:
        """Return the token of a project's user."""
        key = await self.lent.publishable_key(project)
        return await self.tokens[USERS].issue(account, key)

    async def token_in(self, account: Account, realm: Realm) -> SignedIn:
        """Return the token of whoever is signed in to a realm."""
        key = realm.segment if realm.app == USERS else None
        return await self.tokens[realm.app].issue(account, key)

    def _front(self, key: bytes) -> Front:
        pages = Pages()
        cookies = self._cookies
        desk = Desk(
            provider=self.provider,
            pages=pages,
            cookies=cookies,
            options=self._options,
            key=key,
            own=self._own,
        )
        token = TokenRoute(self.token_in, self._own)
        return Front(
            lent=self.lent,
            options=self._options,
            provider=self.provider,
            pages=pages,
            cookies=cookies,
            table=page_table(Entrance(desk), AccountPages(desk), token),
            documents={
                app: Discovery(self.issuers[app], keyring)
                for app, keyring in self._keyrings.items()
            },
            own=self._own,
        )

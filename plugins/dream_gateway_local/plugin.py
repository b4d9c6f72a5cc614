"""The plugin as the gateway sees it: one set of parts for its hooks, opened with the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dream_gateway.errors import InvalidCodeError, StoreUnavailableError
from dream_gateway.hookspecs import Identified, hookimpl
from dream_gateway_local.administration import LocalUsers
from dream_gateway_local.composition import Parts
from dream_gateway_local.options import LocalOptions, check_options
from dream_gateway_local.realm import DEVELOPERS, USERS

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

    from dream_gateway.facilities import Facilities
    from dream_gateway.hookspecs import (
        CodeExchange,
        DeveloperSignIn,
        Identity,
        SignedIn,
        Site,
        UserAdministration,
    )
    from dream_gateway.model import Project


class LocalIdentity:
    """Verifies the tokens of one app."""

    def __init__(self, site: LocalSite, app: str) -> None:
        self._site = site
        self._app = app

    async def verify(self, token: str) -> Identified | None:
        """Return whom a token names, `None` if it is not ours."""
        return await self._site.parts.tokens[self._app].verify(token)


class LocalSignIn:
    """Signs developers in to the dashboard, on the plugin's own pages."""

    name = "local"
    label = "e-mail"

    def __init__(self, site: LocalSite) -> None:
        self._site = site

    async def url(self, return_url: str, state: str, secret: str, *, sign_up: bool) -> str:
        """Return the page to sign in on; the code that it ends with is bound to the return address."""
        del secret
        return self._site.parts.entrance(return_url, state, sign_up=sign_up)

    async def finish(
        self, parameters: Mapping[str, str], return_url: str, secret: str
    ) -> Identified:
        """Redeem the code."""
        del secret
        found = await self._site.parts.developer(parameters.get("code", ""), return_url)
        if found is None:
            raise InvalidCodeError
        return found

    async def sign_out(self, cookies: Mapping[str, str]) -> None:
        """End the session of the browser."""
        await self._site.parts.sign_out(cookies)


class LocalSite:
    """The plugin's pages, and with them everything else it does, from `open` on."""

    prefixes = ("/auth", "/.well-known")

    def __init__(self, options: LocalOptions) -> None:
        self._options = options
        self._parts: Parts | None = None

    @property
    def parts(self) -> Parts:
        """What does the work, once the gateway has opened it."""
        if self._parts is None:
            raise StoreUnavailableError("The accounts are not open yet.")
        return self._parts

    async def open(self, facilities: Facilities) -> None:
        """Read the keys, or make the first ones."""
        parts = Parts(facilities, self._options)
        await parts.open()
        self._parts = parts

    async def aclose(self) -> None:
        """Stop hashing and sending."""
        if self._parts is not None:
            await self._parts.aclose()
            self._parts = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer a request."""
        await self.parts.front(scope, receive, send)

    async def exchange(self, project: Project, code: str, redirect_url: str | None) -> SignedIn:
        """Give the token for a code, once."""
        account = await self.parts.provider.redeem_code(project.id, code, redirect_url)
        if account is None:
            raise InvalidCodeError
        return await self.parts.token(account, project)


class LocalPlugin:
    """Accounts for end users and for developers, kept by the gateway itself."""

    def __init__(self) -> None:
        self._site: LocalSite | None = None

    @hookimpl
    def settings_type(self) -> type[LocalOptions]:
        """Have the table checked against the options."""
        return LocalOptions

    @hookimpl
    def sites(self, settings: LocalOptions) -> Sequence[Site]:
        """Serve the pages."""
        return [self._one(settings)]

    @hookimpl
    def identities(self, settings: LocalOptions) -> Sequence[Identity]:
        """Verify end users' tokens."""
        return [LocalIdentity(self._one(settings), USERS)]

    @hookimpl
    def developer_identities(self, settings: LocalOptions) -> Sequence[Identity]:
        """Verify developers' tokens."""
        return [LocalIdentity(self._one(settings), DEVELOPERS)]

    @hookimpl
    def developer_sign_ins(self, settings: LocalOptions) -> Sequence[DeveloperSignIn]:
        """Sign developers in to the dashboard."""
        return [LocalSignIn(self._one(settings))]

    @hookimpl
    def code_exchanges(self, settings: LocalOptions) -> Sequence[CodeExchange]:
        """Exchange codes for tokens."""
        return [self._one(settings)]

    @hookimpl
    def user_administrations(self, settings: LocalOptions) -> Sequence[UserAdministration]:
        """Create accounts on developers' word."""
        site = self._one(settings)
        return [LocalUsers(lambda: site.parts)]

    def _one(self, settings: LocalOptions) -> LocalSite:
        """Return the one site that all hooks are about."""
        if self._site is None:
            check_options(settings)
            self._site = LocalSite(settings)
        return self._site

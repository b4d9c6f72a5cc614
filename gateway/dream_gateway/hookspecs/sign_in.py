"""How people sign in with a browser: developers to the dashboard, end users to a project's pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dream_gateway.hookspecs.identities import Identified
    from dream_gateway.model import Project


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An access token, until when it holds (seconds since the epoch), and whose it is."""

    token: str
    expires_at: float
    subject: str
    email: str


class CodeExchange(Protocol):
    """Gives the token for a one-time code that a sign-in ended with."""

    async def exchange(self, project: Project, code: str, redirect_url: str | None) -> SignedIn:
        """Return the token, once. A `redirect_url` must be the one that the code was sent to.

        Raises `InvalidCodeError` for any other code: unknown, used, expired, another project's.
        """
        ...


class DeveloperSignIn(Protocol):
    """Signs platform developers in to the dashboard, on their identity provider's own pages.

    The dashboard sends the browser to `url`, and the provider sends it back to the return address
    with parameters, of which `finish` makes who it is.
    """

    @property
    def name(self) -> str:
        """Return its name in addresses: a word that no other has."""
        ...

    @property
    def label(self) -> str:
        """Return what people know it as, to follow the words "Sign in with"."""
        ...

    async def url(self, return_url: str, state: str, secret: str, *, sign_up: bool) -> str:
        """Return where to send a browser to sign in, or up; it comes back with `state` as it is.

        `secret` is random and stays in that browser's cookie: what proves later that it is the same
        browser (PKCE, a nonce) is to be derived from it. Raises `IdentityUnavailableError`.
        """
        ...

    async def finish(
        self, parameters: Mapping[str, str], return_url: str, secret: str
    ) -> Identified:
        """Return who came back with these parameters; `secret` and the address are the same again.

        Raises `InvalidCodeError` for parameters that do not hold, used ones too, and
        `IdentityUnavailableError`.
        """
        ...


@runtime_checkable
class SignOut(Protocol):
    """A `DeveloperSignIn` with a session of its own in the browser, that ends with the dashboard's."""

    async def sign_out(self, cookies: Mapping[str, str]) -> None:
        """End the session of a browser with these cookies; one that is not there is no error."""
        ...

"""Who end users and developers are: their tokens, their accounts, and what becomes of those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Identified:
    """Whom a verified token names. `subject` is unique for its `issuer`, and for nobody else.

    `tenant` is the token's `publishableKey` claim. The plan that a token may claim is nobody's
    business. `expires_at` is until when the token holds, in seconds since the epoch, and what is said
    of it is remembered; `None`: for a minute.
    """

    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    tenant: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    expires_at: float | None = None


class Identity(Protocol):
    """Tells whom a token names. One that has an async `aclose()` is closed with the gateway."""

    async def verify(self, token: str) -> Identified | None:
        """Return whom the token names; `None` if it is not of this kind.

        The issuer is that of the settings, never what the token says. Raises
        `InvalidCredentialError` for a token of this kind that does not hold, and
        `IdentityUnavailableError` if that cannot be told right now.
        """
        ...


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to create at the identity provider; `tenant` is the project's publishable key."""

    email: str
    password: str
    tenant: str
    first_name: str | None = None
    last_name: str | None = None


class UserAdministration(Protocol):
    """Keeps the users of one issuer. Closed as an `Identity` is.

    Each method raises `IdentityUnavailableError` if the provider is out of reach.
    """

    async def create(self, user: NewUser) -> Identified:
        """Create a user.

        Raises `ConflictError` if the address is taken, `InvalidRequestError` for what the provider
        does not take, such as a weak password.
        """
        ...

    async def find(self, email: str) -> Identified | None:
        """Return the user who has this address."""
        ...

    async def delete(self, subject: str) -> None:
        """Delete a user; nobody is there to delete the second time."""
        ...

    async def invite(self, email: str, tenant: str) -> None:
        """Send somebody the provider's invitation. Raises `ConflictError` for one who is there."""
        ...


@dataclass(frozen=True, slots=True)
class UserChange:
    """What became of a user at their provider. `id` is the same each time it is told.

    `at` is when it happened, in seconds since the epoch: changes come in any order. `email` and the
    names are theirs since then; of a user who is `deleted` they say nothing.
    """

    id: str
    issuer: str
    subject: str
    at: float
    deleted: bool = False
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class UserWebhook(Protocol):
    """Reads what an identity provider posts to `/webhook/{name}`."""

    name: str

    def read(self, headers: Mapping[str, str], body: bytes) -> UserChange | None:
        """Return what is told of a user, `None` for other news. Names of `headers` are lower-case.

        Raises `InvalidCredentialError` if it is not the provider's, `InvalidRequestError` if it
        cannot be read.
        """
        ...

"""Who is calling: a key's holder, an end user, a developer, or the operator."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.errors import (
    ForbiddenError,
    MissingCredentialError,
)
from dream_gateway.http.credentials import bearer_token
from dream_gateway.model import KeyKind

if TYPE_CHECKING:
    from dream_gateway.holders import Holders
    from dream_gateway.model import Credential, Customer, Developer, Platform, Project, Role
    from dream_gateway.service.call import Call
    from dream_gateway.service.operation import Operation
    from dream_gateway.service.standing import Standings
    from dream_gateway.subjects import Subject

_SECRET = frozenset({KeyKind.SECRET})
_PUBLISHABLE = frozenset({KeyKind.PUBLISHABLE})


class Auth(Enum):
    """The kinds of caller an operation may have."""

    SECRET = "secretKey"  # noqa: S105 # the name of a security scheme
    PUBLISHABLE = "publishableKey"
    USER = "userToken"
    PLATFORM = "platformToken"
    OPERATOR = "operatorToken"


_NAMES = {
    Auth.SECRET: "a secret key",
    Auth.PUBLISHABLE: "a publishable key",
    Auth.USER: "an end user's token",
    Auth.PLATFORM: "a developer's token",
    Auth.OPERATOR: "the operator's token",
}
MANAGERS = frozenset({Auth.SECRET, Auth.PLATFORM, Auth.OPERATOR})
"""Who changes what a project offers, and its customers' keys."""

READERS = MANAGERS | {Auth.PUBLISHABLE}
"""Who sees what a project offers."""

DEVELOPERS = frozenset({Auth.PLATFORM, Auth.OPERATOR})
"""Who manages a platform; the operator may do whatever its owner may."""

OPERATOR = "operator"
"""The actor of what the operator does, for the audit log."""


class Caller(NamedTuple):
    """Somebody we know: a key's holder, an end user, a developer, or the operator.

    `tenant` is the project the call is about, if it is about one; `platform` likewise. `customer` is
    set for an end user: they speak for nobody else.
    """

    credential: Credential | None
    tenant: Project | None
    customer: Customer | None = None
    platform: Platform | None = None
    developer: Developer | None = None
    role: Role | None = None

    @property
    def actor(self) -> str:
        """Who that is in the audit log."""
        if self.credential is not None:
            return self.credential.id
        return OPERATOR if self.developer is None else self.developer.id

    @property
    def project(self) -> Project:
        """The project, in an operation that is about one."""
        if self.tenant is None:
            raise RuntimeError("this operation is about no project")
        return self.tenant

    @property
    def business(self) -> Platform:
        """The platform, in an operation that is about one."""
        if self.platform is None:
            raise RuntimeError("this operation is about no platform")
        return self.platform

    @property
    def scope(self) -> str:
        """The id of what idempotency keys are unique in."""
        return self.business.id if self.tenant is None else self.tenant.id


class Authenticator:
    """Turns a request's credentials into its caller."""

    def __init__(self, holders: Holders, standings: Standings) -> None:
        self._holders = holders
        self._standings = standings

    def try_caller(self, call: Call, kinds: frozenset[Auth]) -> Caller | None:
        """Return the caller of a plain secret key, or of a token, from memory; `None` says nothing.

        Never blocks.
        """
        fields = call.fields
        bearer = bearer_token(fields.get(b"authorization", b""))
        if b"x-publishable-key" in fields:
            return self._try_user(fields, bearer, kinds)
        if bearer is None or not bearer.startswith(b"sk_"):
            return None
        found = self._holders.try_project(_text(bearer)) if Auth.SECRET in kinds else None
        return None if found is None else Caller(*found)

    def _try_user(
        self, fields: dict[bytes, bytes], bearer: bytes | None, kinds: frozenset[Auth]
    ) -> Caller | None:
        token = fields.get(b"x-clerk-token", bearer)
        if Auth.USER not in kinds or not token or (bearer or b"").startswith(b"sk_"):
            return None
        if b"origin" in fields:
            return None  # A page may read the answer only with fields that the long way adds.
        subject = self._holders.try_user(_text(fields[b"x-publishable-key"]), _text(token))
        return None if subject is None else _user(subject)

    async def caller(self, call: Call, operation: Operation) -> Caller:
        """Return the caller.

        Raises 401 for nobody we know, with one body for all causes; 403 for somebody who may not do
        this; 404 for what is not theirs; 503 if the store is away and the cache does not know.
        """
        fields = call.fields
        bearer = bearer_token(fields.get(b"authorization", b""))
        publishable = fields.get(b"x-publishable-key")
        if bearer is not None and bearer.startswith(b"sk_"):
            return await self._secret(bearer, publishable, operation.auth)
        if publishable is not None:
            token = fields.get(b"x-clerk-token", bearer)
            return await self._publishable(call, publishable, token, operation.auth)
        if bearer is None:
            raise MissingCredentialError
        return await self._standings.caller(_text(bearer), call, operation)

    async def standing(
        self, developer: Developer | None, call: Call, operation: Operation
    ) -> Caller:
        """Return the caller that a developer is who signed in elsewhere; `None` is the operator.

        Raises `ForbiddenError` for what they may not do, `NotFoundError` for what is not theirs.
        """
        return await self._standings.standing(developer, call, operation)

    async def _secret(
        self, secret: bytes, publishable: bytes | None, kinds: frozenset[Auth]
    ) -> Caller:
        credential, project = await self._holders.project_of(_text(secret), _SECRET)
        if publishable is not None:
            # Beside a secret key a publishable one says nothing new; of another project it is
            # either a mistake or an attempt, and neither should pass.
            _, named = await self._holders.project_of(_text(publishable), _PUBLISHABLE)
            if named.id != project.id:
                raise ForbiddenError("The publishable key belongs to another project.")
        if Auth.SECRET not in kinds:
            raise not_for(kinds)
        return Caller(credential, project)

    async def _publishable(
        self, call: Call, key: bytes, token: bytes | None, kinds: frozenset[Auth]
    ) -> Caller:
        credential, project = await self._holders.project_of(_text(key), _PUBLISHABLE)
        call.origins = project.origins
        if Auth.USER in kinds:
            if not token:
                raise MissingCredentialError
            return _user(await self._holders.user(_text(key), _text(token)))
        if Auth.PUBLISHABLE not in kinds:
            raise not_for(kinds)
        return Caller(credential, project)


def _user(subject: Subject) -> Caller:
    assert subject.credential is not None  # noqa: S101 # a token has a publishable key beside it
    return Caller(subject.credential, subject.project, subject.customer)


def not_for(kinds: frozenset[Auth]) -> ForbiddenError:
    """Return the error for somebody we know, whose kind of credential an operation does not take."""
    wanted = " or ".join(name for auth, name in _NAMES.items() if auth in kinds)
    return ForbiddenError(f"This needs {wanted}.")


def _text(secret: bytes) -> str:
    return secret.strip().decode("latin-1")

"""Who is calling: a key's holder, an end user, a developer, or the operator."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.errors import (
    ForbiddenError,
    InvalidCredentialError,
    MissingCredentialError,
    PlatformSuspendedError,
    TenantMismatchError,
)
from dream_gateway.http.credentials import bearer_token
from dream_gateway.model import KeyKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.admission import Admission
    from dream_gateway.hookspecs import Identified, Identity
    from dream_gateway.model import Credential, Customer, Developer, Platform, Project, Role
    from dream_gateway.service.call import Call
    from dream_gateway.service.operation import Operation
    from dream_gateway.service.standing import Standings

_LOG = logging.getLogger(__name__)
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
    """Turns a request's credentials into its caller; `identities` verify end users' tokens."""

    def __init__(
        self, admission: Admission, identities: Sequence[Identity], standings: Standings
    ) -> None:
        self._admission = admission
        self._identities = identities
        self._standings = standings

    def try_caller(self, call: Call, kinds: frozenset[Auth]) -> Caller | None:
        """Return the caller of a plain secret key from memory; `None` says nothing. Never blocks."""
        fields = call.fields
        bearer = bearer_token(fields.get(b"authorization", b""))
        if bearer is None or not bearer.startswith(b"sk_") or b"x-publishable-key" in fields:
            return None
        found = self._admission.try_project(_text(bearer)) if Auth.SECRET in kinds else None
        return None if found is None else Caller(*found)

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

    async def _secret(
        self, secret: bytes, publishable: bytes | None, kinds: frozenset[Auth]
    ) -> Caller:
        credential, project = await self._admission.project_of(_text(secret), _SECRET)
        if publishable is not None:
            # Beside a secret key a publishable one says nothing new; of another project it is
            # either a mistake or an attempt, and neither should pass.
            _, named = await self._admission.project_of(_text(publishable), _PUBLISHABLE)
            if named.id != project.id:
                raise ForbiddenError("The publishable key belongs to another project.")
        if Auth.SECRET not in kinds:
            raise not_for(kinds)
        return Caller(credential, project)

    async def _publishable(
        self, call: Call, key: bytes, token: bytes | None, kinds: frozenset[Auth]
    ) -> Caller:
        credential, project = await self._admission.project_of(_text(key), _PUBLISHABLE)
        call.origins = project.origins
        if Auth.USER in kinds:
            if not token:
                raise MissingCredentialError
            return Caller(credential, project, await self._user(_text(token), project))
        if Auth.PUBLISHABLE not in kinds:
            raise not_for(kinds)
        return Caller(credential, project)

    async def _user(self, token: str, project: Project) -> Customer:
        for identity in self._identities:
            found = await identity.verify(token)
            if found is not None:
                await self._check_tenant(found, project)
                return await self._admission.customer(project, found.subject)
        if not self._identities:
            _LOG.info("refused an end user's token: no plugin verifies them")
        raise InvalidCredentialError

    async def _check_tenant(self, found: Identified, project: Project) -> None:
        try:
            _, named = await self._admission.project_of(found.tenant or "", _PUBLISHABLE)
        except (InvalidCredentialError, PlatformSuspendedError) as exc:
            raise TenantMismatchError from exc
        if named.id != project.id:
            raise TenantMismatchError


def not_for(kinds: frozenset[Auth]) -> ForbiddenError:
    """Return the error for somebody we know, whose kind of credential an operation does not take."""
    wanted = " or ".join(name for auth, name in _NAMES.items() if auth in kinds)
    return ForbiddenError(f"This needs {wanted}.")


def _text(secret: bytes) -> str:
    return secret.strip().decode("latin-1")

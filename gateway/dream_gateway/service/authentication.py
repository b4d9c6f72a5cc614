"""Who is calling: a secret key, a publishable key, or one with an end user's token."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.errors import (
    ForbiddenError,
    InvalidCredentialError,
    MissingCredentialError,
)
from dream_gateway.http.credentials import bearer_token
from dream_gateway.model import KeyKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.admission import Admission
    from dream_gateway.hookspecs import EndUser, Identity
    from dream_gateway.model import Credential, Project
    from dream_gateway.service.call import Call

_LOG = logging.getLogger(__name__)
_SECRET = frozenset({KeyKind.SECRET})
_PUBLISHABLE = frozenset({KeyKind.PUBLISHABLE})


class Auth(Enum):
    """The kinds of caller an operation may have."""

    SECRET = "secretKey"  # noqa: S105 # the name of a security scheme
    PUBLISHABLE = "publishableKey"
    USER = "userToken"


class Caller(NamedTuple):
    """Somebody we know. `user` is set for an end user: they speak for nobody else."""

    credential: Credential
    project: Project
    user: EndUser | None = None


class Authenticator:
    """Turns a request's credentials into its caller; `identities` verify end users' tokens."""

    def __init__(self, admission: Admission, identities: Sequence[Identity]) -> None:
        self._admission = admission
        self._identities = identities

    def try_caller(self, call: Call, kinds: frozenset[Auth]) -> Caller | None:
        """Return the caller of a plain secret key from memory; `None` says nothing. Never blocks."""
        fields = call.fields
        bearer = bearer_token(fields.get(b"authorization", b""))
        if bearer is None or not bearer.startswith(b"sk_") or b"x-publishable-key" in fields:
            return None
        found = self._admission.try_project(_text(bearer)) if Auth.SECRET in kinds else None
        return None if found is None else Caller(*found)

    async def caller(self, call: Call, kinds: frozenset[Auth]) -> Caller:
        """Return the caller.

        Raises 401 for nobody we know, with one body for all causes; 403 for somebody who may not do
        this; 503 if the store is away and the cache does not know.
        """
        fields = call.fields
        bearer = bearer_token(fields.get(b"authorization", b""))
        publishable = fields.get(b"x-publishable-key")
        if publishable is None or (bearer is not None and bearer.startswith(b"sk_")):
            if bearer is None:
                raise MissingCredentialError
            return await self._secret(bearer, publishable, kinds)
        return await self._publishable(publishable, fields.get(b"x-clerk-token", bearer), kinds)

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
            raise ForbiddenError("This needs a publishable key.")
        return Caller(credential, project)

    async def _publishable(self, key: bytes, token: bytes | None, kinds: frozenset[Auth]) -> Caller:
        credential, project = await self._admission.project_of(_text(key), _PUBLISHABLE)
        if Auth.USER in kinds:
            if not token:
                raise MissingCredentialError
            return Caller(credential, project, await self._user(_text(token), project))
        if Auth.PUBLISHABLE not in kinds:
            raise ForbiddenError("This needs a secret key.")
        return Caller(credential, project)

    async def _user(self, token: str, project: Project) -> EndUser:
        for identity in self._identities:
            user = await identity.verify(token, project)
            if user is not None:
                if user.project_id != project.id:
                    raise InvalidCredentialError
                return user
        if not self._identities:
            _LOG.info("refused an end user's token: no plugin verifies them")
        raise InvalidCredentialError


def _text(secret: bytes) -> str:
    return secret.strip().decode("latin-1")

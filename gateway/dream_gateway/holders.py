"""Who holds a key or a token: resolved, and charged nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway import keys
from dream_gateway.errors import InvalidCredentialError, PlatformSuspendedError
from dream_gateway.model import KeyKind
from dream_gateway.subjects import refusal

if TYPE_CHECKING:
    from dream_gateway.clock import Clock
    from dream_gateway.lookup import Lookup
    from dream_gateway.model import Credential, Project
    from dream_gateway.subjects import Subject


class Holders:
    """Resolves what a request brings. A store that is away raises `StoreUnavailableError`."""

    def __init__(self, lookup: Lookup, clock: Clock, *, imported_keys: bool) -> None:
        """Resolve by these; with `imported_keys`, keys of other shapes than our own, too."""
        self._lookup = lookup
        self._now = clock.now
        self._imported_keys = imported_keys

    async def project_of(
        self, secret: str, kinds: frozenset[KeyKind]
    ) -> tuple[Credential, Project]:
        """Resolve a secret or publishable key.

        Raises `InvalidCredentialError` for any other, `PlatformSuspendedError` where it applies.
        """
        kind = self.kind(secret)
        if kind not in kinds:
            raise InvalidCredentialError
        credential = await self._lookup.credential(keys.digest(secret))
        if credential is None or credential.kind is not kind:
            raise InvalidCredentialError
        if refusal(credential, self._now(), (), None):
            raise InvalidCredentialError
        project = await self._lookup.project(credential.project_id)
        if project is None:
            raise InvalidCredentialError
        if project.suspended:
            raise PlatformSuspendedError
        return credential, project

    def try_project(self, secret: str) -> tuple[Credential, Project] | None:
        """Resolve a secret key from memory; `None` says nothing about it. Never blocks."""
        credential = self._lookup.peek_credential(keys.digest(secret))
        if credential is None or credential.kind is not KeyKind.SECRET:
            return None
        project = self._lookup.peek_project(credential.project_id)
        if project is None or project.suspended:
            return None
        return None if refusal(credential, self._now(), (), None) else (credential, project)

    async def user(self, publishable: str, token: str) -> Subject:
        """Resolve an end user's token beside a publishable key; the user is registered at first.

        Raises `InvalidCredentialError`, `TenantMismatchError`, `PlatformSuspendedError`, and
        `IdentityUnavailableError`.
        """
        subject = await self._lookup.user(publishable, token)
        if subject.credential is None or refusal(subject.credential, self._now(), (), None):
            raise InvalidCredentialError
        if subject.project.suspended:
            raise PlatformSuspendedError
        return subject

    def try_user(self, publishable: str, token: str) -> Subject | None:
        """Resolve an end user's token from memory; `None` says nothing about it. Never blocks."""
        subject = self._lookup.peek_user(publishable, token)
        if subject is None or subject.credential is None or subject.project.suspended:
            return None
        return None if refusal(subject.credential, self._now(), (), None) else subject

    def kind(self, secret: str) -> KeyKind | None:
        """Return what a key says it is, `None` for what cannot be a key: that costs no lookup."""
        parsed = keys.parse(secret)
        if parsed is not None:
            return parsed.kind
        return keys.recognise(secret) if self._imported_keys else None

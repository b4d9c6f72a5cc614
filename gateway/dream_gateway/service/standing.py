"""Where a developer stands: their token, the platform and project they mean, and their role there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.errors import (
    ConflictError,
    ForbiddenError,
    InvalidCredentialError,
    NotFoundError,
    PlatformSuspendedError,
)
from dream_gateway.model import Actor, Role
from dream_gateway.operators import Operators
from dream_gateway.records import developers, platforms, projects
from dream_gateway.service.authentication import Auth, Caller, not_for
from dream_gateway.service.call import field_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.hookspecs import Identified, Identity
    from dream_gateway.model import Developer, Platform, Project
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory
    from dream_gateway.service.operation import Operation

SIGN_UP = "sign-up"
"""The actor of platforms that are made by their owner's first call."""

_RANKS = {role: rank for rank, role in enumerate(Role)}
_READS = frozenset({"GET", "HEAD"})


class _Place(NamedTuple):
    """The platform, and the project, that a request names; `None` for what it does not."""

    platform: str | None
    project: Project | None


class Standings:
    """Turns a bearer token that is no key into a developer or the operator.

    `operator_tokens` are in plain text, as they are in the settings.
    """

    def __init__(
        self,
        directory: Directory,
        identities: Sequence[Identity],
        operator_tokens: Iterable[str],
    ) -> None:
        self._directory = directory
        self._identities = identities
        self._operators = Operators(operator_tokens)

    async def caller(self, token: str, call: Call, operation: Operation) -> Caller:
        """Return the caller; a developer's first call registers them with a platform of their own.

        Raises `InvalidCredentialError` for nobody we know, `ForbiddenError` for who may not do
        this, and `NotFoundError` for a platform or a project that is not theirs.
        """
        if self.is_operator(token):
            return await self._operator(call, operation)
        found = await self._identified(token)
        if Auth.PLATFORM not in operation.auth:
            raise not_for(operation.auth)
        async with self._directory.read() as reading:
            developer = await developers.find(reading.connection, found.issuer, found.subject)
            if developer is not None and not developers.is_news(developer, found):
                return await _standing(reading.connection, developer, call, operation)
        return await self.standing(await self._register(found), call, operation)

    async def standing(
        self, developer: Developer | None, call: Call, operation: Operation
    ) -> Caller:
        """Return the caller that a developer is who is known already; `None` is the operator."""
        if developer is None:
            return await self._operator(call, operation)
        if Auth.PLATFORM not in operation.auth:
            raise not_for(operation.auth)
        async with self._directory.read() as reading:
            return await _standing(reading.connection, developer, call, operation)

    async def developer(self, found: Identified) -> Developer:
        """Return whom an identity provider names; the first time, registered with a platform."""
        async with self._directory.read() as reading:
            developer = await developers.find(reading.connection, found.issuer, found.subject)
        if developer is not None and not developers.is_news(developer, found):
            return developer
        return await self._register(found)

    def is_operator(self, token: str) -> bool:
        """Return whether a token is one of the operator's."""
        return self._operators.know(token)

    async def _operator(self, call: Call, operation: Operation) -> Caller:
        if Auth.OPERATOR not in operation.auth:
            raise not_for(operation.auth)
        if Auth.PLATFORM not in operation.auth:
            return Caller(None, None, role=Role.OWNER)
        async with self._directory.read() as reading:
            place = await _place(reading.connection, call, operation)
            if place.platform is None:
                detail = "This field is required with the operator's token."
                raise field_fault(b"x-platform-id", detail)
            platform = await platforms.find(reading.connection, place.platform)
        if platform is None:
            raise _nothing()
        return Caller(None, place.project, platform=platform, role=Role.OWNER)

    async def _identified(self, token: str) -> Identified:
        for identity in self._identities:
            found = await identity.verify(token)
            if found is not None:
                return found
        raise InvalidCredentialError

    async def _register(self, found: Identified) -> Developer:
        try:
            async with self._directory.write(Actor(SIGN_UP)) as writing:
                there = await developers.find(writing.connection, found.issuer, found.subject)
                if there is None:
                    return await developers.register(writing.writer, found)
                return await developers.refresh(writing.writer, there, found)
        except ConflictError:
            # Somebody else was faster, on a store that lets writers overlap.
            async with self._directory.read() as reading:
                there = await developers.find(reading.connection, found.issuer, found.subject)
            if there is None:
                raise
            return there


async def _standing(
    connection: AsyncConnection, developer: Developer, call: Call, operation: Operation
) -> Caller:
    place = await _place(connection, call, operation)
    part = await developers.standing(connection, developer, place.platform)
    if part is None:
        raise _nothing()
    role = part.membership.role
    _check(part.platform, role, call, operation)
    return Caller(None, place.project, platform=part.platform, developer=developer, role=role)


async def _place(connection: AsyncConnection, call: Call, operation: Operation) -> _Place:
    platform = call.text(b"x-platform-id")
    named = call.parameters.get("projectId") or call.text(b"x-project-id")
    if named is None:
        if Auth.SECRET in operation.auth:
            detail = "This field is required without a secret key."
            raise field_fault(b"x-project-id", detail)
        return _Place(platform, None)
    project = await projects.find_even_deleted(connection, named)
    if project is None or platform not in {None, project.platform_id}:
        raise _nothing()
    if project.deleted_at is not None and not operation.of_deleted:
        raise _nothing()
    return _Place(project.platform_id, project)


def _check(platform: Platform, role: Role, call: Call, operation: Operation) -> None:
    if call.inbound.method not in _READS:
        if platform.suspended:
            raise PlatformSuspendedError
        if platform.unpaid and not operation.of_unpaid:
            raise PlatformSuspendedError("The platform's plan is not paid.")
    if _RANKS[role] < _RANKS[operation.least]:
        raise ForbiddenError(f"This needs the role {operation.least} on the platform.")


def _nothing() -> NotFoundError:
    return NotFoundError("There is no such platform or project.")

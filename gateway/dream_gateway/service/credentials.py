"""`/platform/projects/{projectId}/credentials`: the project's own keys, secret and publishable."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from dream_gateway.errors import ConflictError, NotFoundError
from dream_gateway.keys import digest
from dream_gateway.model import KeyKind, KeyStatus, Role
from dream_gateway.records import credentials, projects
from dream_gateway.service.authentication import DEVELOPERS
from dream_gateway.service.failures import CHANGE, CREATE, READ, REPLACE
from dream_gateway.service.fields import IDEMPOTENCY_KEY, IF_MATCH
from dream_gateway.service.key_shapes import Rotation
from dream_gateway.service.key_values import expiry, unused
from dream_gateway.service.operation import Operation
from dream_gateway.service.paging import cut, decode_cursor
from dream_gateway.service.platform_shapes import PageQuery
from dream_gateway.service.project_shapes import (
    CredentialPage,
    CredentialSecret,
    CredentialView,
    NewCredential,
)
from dream_gateway.service.projects import ONE as PROJECT
from dream_gateway.service.projects import found_project
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import instant, optional_instant
from dream_gateway.service.versions import check_match, versioned

if TYPE_CHECKING:
    from dream_gateway.model import Credential
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory, Reading

KINDS = (KeyKind.SECRET, KeyKind.PUBLISHABLE)
PATH = PROJECT + "/credentials"
ONE = PATH + "/{keyId}"


class CredentialRoutes:
    """Lists, creates, rotates and revokes the keys that speak for a project."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "GET",
                PATH,
                "List the project's own keys, oldest first",
                self.page,
                CredentialPage,
                auth=DEVELOPERS,
                query=PageQuery,
                errors=READ,
            ),
            Operation(
                "POST",
                PATH,
                "Create a secret key; it is shown only here",
                self.create,
                CredentialSecret,
                auth=DEVELOPERS,
                least=Role.ADMIN,
                status=201,
                request=NewCredential,
                body_optional=True,
                fields=(IDEMPOTENCY_KEY,),
                creates=True,
                errors=CREATE,
            ),
            *self._changes(),
        )

    def _changes(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "POST",
                ONE + "/rotate",
                "Make a secret key that takes this one's place",
                self.rotate,
                CredentialSecret,
                auth=DEVELOPERS,
                least=Role.ADMIN,
                request=Rotation,
                body_optional=True,
                fields=(IDEMPOTENCY_KEY, IF_MATCH),
                creates=True,
                errors=REPLACE,
            ),
            Operation(
                "DELETE",
                ONE,
                "Revoke a key for good",
                self.revoke,
                None,
                auth=DEVELOPERS,
                least=Role.ADMIN,
                fields=(IF_MATCH,),
                errors=CHANGE,
            ),
            Operation(
                "POST",
                PROJECT + "/publishable-key/rotate",
                "Give the project another publishable key",
                self.rotate_publishable,
                CredentialSecret,
                auth=DEVELOPERS,
                least=Role.ADMIN,
                request=Rotation,
                body_optional=True,
                fields=(IDEMPOTENCY_KEY,),
                creates=True,
                errors=CREATE,
            ),
        )

    async def page(self, call: Call) -> Answer:
        """List a page of the project's own keys."""
        query: PageQuery = call.query
        after = decode_cursor(query.cursor)
        async with self._directory.read() as reading:
            found = await credentials.of_project(
                reading.connection, call.known.project.id, KINDS, after, query.limit + 1
            )
        page, cursor = cut(found, query.limit, lambda key: key.id)
        views = [credential_view(each) for each in page]
        return Answer(CredentialPage(data=views, next_cursor=cursor, has_more=cursor is not None))

    async def create(self, call: Call) -> Answer:
        """Create a secret key."""
        asked: NewCredential = call.body
        writer = call.writing.writer
        project = await found_project(call.writing, call)
        wanted = replace(
            credentials.template(project.id, KeyKind.SECRET, writer.now),
            name=asked.name,
            expires_at=expiry(asked.expires_at, writer.now),
        )
        return _made(*await credentials.mint(writer, project.mode, wanted))

    async def rotate(self, call: Call) -> Answer:
        """Make a secret key that takes another's place, which lives on for the grace."""
        asked: Rotation = call.body
        project = await found_project(call.writing, call)
        key = await _find(call.writing, call)
        check_match(call, credential_view(unused(key)))
        if key.kind is not KeyKind.SECRET:
            raise ConflictError("A publishable key is rotated at publishable-key/rotate.")
        if key.status is KeyStatus.REVOKED:
            raise ConflictError("The key is revoked, which is final.")
        writer = call.writing.writer
        return _made(*await credentials.rotate(writer, project.mode, key, asked.grace_seconds))

    async def revoke(self, call: Call) -> Answer:
        """Revoke a key; a repeat changes nothing."""
        async with self._directory.write(call.actor) as writing:
            project = await found_project(writing, call)
            key = await _find(writing, call)
            check_match(call, credential_view(unused(key)))
            if await _is_current(writing, project.id, key):
                raise ConflictError("It is the project's publishable key: rotate it instead.")
            if key.status is not KeyStatus.REVOKED:
                await credentials.revoke(writing.writer, key)
        return Answer(None)

    async def rotate_publishable(self, call: Call) -> Answer:
        """Give the project another publishable key; the one it has lives on for the grace."""
        asked: Rotation = call.body
        project = await found_project(call.writing, call)
        return _made(
            *await projects.rotate_publishable_key(
                call.writing.writer, project, asked.grace_seconds
            )
        )


def credential_view(key: Credential) -> CredentialView:
    """Return one of a project's own keys as callers see it."""
    return CredentialView(
        key_id=key.id,
        kind="sk" if key.kind is KeyKind.SECRET else "pk",
        name=key.name,
        masked=f"{key.prefix}...{key.last4}",
        status=key.status,
        expires_at=optional_instant(key.expires_at),
        created_at=instant(key.created_at),
        last_used_at=optional_instant(key.last_used_at),
    )


def _made(key: Credential, secret: str) -> Answer:
    view = credential_view(key)
    return Answer(
        CredentialSecret(**asdict(view), key=secret),
        headers=versioned(view),
        kept=CredentialSecret(**asdict(view), replayed=True),
    )


async def _find(reading: Reading, call: Call) -> Credential:
    key = await credentials.by_id(reading.connection, call.parameters["keyId"])
    if key is None or key.project_id != call.known.project.id or key.kind not in KINDS:
        raise NotFoundError("There is no such key.")
    return key


async def _is_current(reading: Reading, project: str, key: Credential) -> bool:
    current = await reading.publishable_key(project)
    if key.kind is not KeyKind.PUBLISHABLE or current is None:
        return False
    known = await credentials.by_digest(reading.connection, digest(current))
    return known is not None and known.id == key.id

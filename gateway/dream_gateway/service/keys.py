"""`/api/customers/{id}/keys` and `/api/keys`: what customers call the developer's API with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict

from dream_gateway.errors import ConflictError, NotFoundError
from dream_gateway.model import KeyStatus, Role
from dream_gateway.service.authentication import MANAGERS
from dream_gateway.service.failures import CHANGE, CREATE, READ, REPLACE
from dream_gateway.service.fields import IDEMPOTENCY_KEY, IF_MATCH, PROJECT_ID
from dream_gateway.service.key_shapes import (
    KeyChange,
    KeyPage,
    KeyQuery,
    KeySecret,
    KeyView,
    NewKey,
    Rotation,
)
from dream_gateway.service.key_values import changed_key, draft, key_view, unused
from dream_gateway.service.operation import Operation
from dream_gateway.service.paging import decode_cursor, encode_cursor
from dream_gateway.service.reply import Answer
from dream_gateway.service.versions import check_match, versioned

if TYPE_CHECKING:
    from dream_gateway.clock import Clock
    from dream_gateway.model import Credential
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory, MintedKey, Reading

OF_CUSTOMER = "/api/customers/{id}/keys"
PATH = "/api/keys/{keyId}"


class KeyRoutes:
    """Creates, shows, changes, rotates and revokes the customer keys of the caller's project."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "POST",
                OF_CUSTOMER,
                "Create a key; its secret is shown only here",
                self.create,
                KeySecret,
                auth=MANAGERS,
                status=201,
                request=NewKey,
                body_optional=True,
                least=Role.ADMIN,
                fields=(IDEMPOTENCY_KEY, PROJECT_ID),
                creates=True,
                errors=CREATE,
            ),
            Operation(
                "GET",
                OF_CUSTOMER,
                "List a customer's keys, oldest first",
                self.page,
                KeyPage,
                auth=MANAGERS,
                query=KeyQuery,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "POST",
                PATH + "/rotate",
                "Give a key a new secret",
                self.rotate,
                KeySecret,
                auth=MANAGERS,
                request=Rotation,
                body_optional=True,
                least=Role.ADMIN,
                fields=(IDEMPOTENCY_KEY, IF_MATCH, PROJECT_ID),
                creates=True,
                errors=REPLACE,
            ),
            *self._operations_on_one(),
        )

    def _operations_on_one(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "GET",
                PATH,
                "Show a key",
                self.show,
                KeyView,
                auth=MANAGERS,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "PATCH",
                PATH,
                "Change a key",
                self.change,
                KeyView,
                auth=MANAGERS,
                request=KeyChange,
                least=Role.ADMIN,
                fields=(IF_MATCH, PROJECT_ID),
                errors=CHANGE,
            ),
            Operation(
                "DELETE",
                PATH,
                "Revoke a key for good",
                self.revoke,
                None,
                auth=MANAGERS,
                least=Role.ADMIN,
                fields=(IF_MATCH, PROJECT_ID),
                errors=CHANGE,
            ),
        )

    async def create(self, call: Call) -> Answer:
        """Create a key for a customer."""
        wanted = draft(call.body, self._clock.now())
        customer = await call.writing.customer(call.known.project.id, call.parameters["id"])
        if customer is None:
            raise NotFoundError("There is no such customer.")
        asked: NewKey = call.body
        if asked.digest is None:
            return _minted(await call.writing.add_key(customer, wanted))
        digest = bytes.fromhex(asked.digest)
        return _adopted(await call.writing.adopt_key(customer, wanted, digest, asked.last4))

    async def page(self, call: Call) -> Answer:
        """List a page of a customer's keys."""
        query: KeyQuery = call.query
        project, customer = call.known.project.id, call.parameters["id"]
        after = decode_cursor(query.cursor)
        async with self._directory.read() as reading:
            if await reading.customer(project, customer) is None:
                raise NotFoundError("There is no such customer.")
            found = await reading.keys(project, customer, after, query.limit + 1)
        views = [key_view(each) for each in found[: query.limit]]
        more = len(found) > query.limit
        cursor = encode_cursor(views[-1].key_id) if more else None
        return Answer(KeyPage(data=views, next_cursor=cursor, has_more=more))

    async def show(self, call: Call) -> Answer:
        """Show one key."""
        async with self._directory.read() as reading:
            return _shown(await _find(reading, call))

    async def change(self, call: Call) -> Answer:
        """Change what was sent of a key."""
        asked: KeyChange = call.body
        async with self._directory.write(call.actor) as writing:
            key = await _find(writing, call)
            check_match(call, key_view(unused(key)))
            _check_not_revoked(key)
            changed = changed_key(key, asked)
            if changed != key:
                await writing.change_key(changed)
        return _shown(changed)

    async def revoke(self, call: Call) -> Answer:
        """Revoke a key; a repeat changes nothing."""
        async with self._directory.write(call.actor) as writing:
            key = await _find(writing, call)
            check_match(call, key_view(unused(key)))
            if key.status is not KeyStatus.REVOKED:
                await writing.revoke_key(key)
        return Answer(None)

    async def rotate(self, call: Call) -> Answer:
        """Give a key a new secret; the old one lives on for the grace."""
        asked: Rotation = call.body
        key = await _find(call.writing, call)
        check_match(call, key_view(unused(key)))
        _check_not_revoked(key)
        return _minted(await call.writing.rotate_key(key, asked.grace_seconds))


def _minted(minted: MintedKey) -> Answer:
    view = key_view(minted.credential)
    return Answer(
        KeySecret(**asdict(view), key=minted.secret),
        headers=versioned(view),
        kept=KeySecret(**asdict(view), replayed=True),
    )


def _adopted(key: Credential) -> Answer:
    view = key_view(key)
    return Answer(KeySecret(**asdict(view)), headers=versioned(view))


def _shown(key: Credential) -> Answer:
    return Answer(key_view(key), headers=versioned(key_view(unused(key))))


async def _find(reading: Reading, call: Call) -> Credential:
    key = await reading.key(call.known.project.id, call.parameters["keyId"])
    if key is None:
        raise NotFoundError("There is no such key.")
    return key


def _check_not_revoked(key: Credential) -> None:
    if key.status is KeyStatus.REVOKED:
        raise ConflictError("The key is revoked, which is final.")

"""`/platform/members`: who works on a platform."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dream_gateway.errors import ConflictError, NotFoundError
from dream_gateway.model import Membership, Role
from dream_gateway.records import developers
from dream_gateway.service.authentication import DEVELOPERS
from dream_gateway.service.failures import CHANGE, CREATE, READ
from dream_gateway.service.fields import IDEMPOTENCY_KEY, IF_MATCH, PLATFORM_ID
from dream_gateway.service.operation import Operation
from dream_gateway.service.paging import cut, decode_cursor
from dream_gateway.service.platform_shapes import (
    Invitation,
    MemberChange,
    MemberPage,
    MemberView,
    PageQuery,
)
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import instant
from dream_gateway.service.versions import check_match, versioned

if TYPE_CHECKING:
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory, Reading

PATH = "/platform/members"
ONE = PATH + "/{memberId}"


class MemberRoutes:
    """Invites, shows, changes and removes the members of the platform that the caller means."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "GET",
                PATH,
                "List members, oldest first",
                self.page,
                MemberPage,
                auth=DEVELOPERS,
                query=PageQuery,
                fields=(PLATFORM_ID,),
                errors=READ,
            ),
            Operation(
                "POST",
                PATH,
                "Let somebody in by their e-mail address",
                self.invite,
                MemberView,
                auth=DEVELOPERS,
                least=Role.OWNER,
                status=201,
                request=Invitation,
                fields=(IDEMPOTENCY_KEY, PLATFORM_ID),
                creates=True,
                errors=CREATE,
            ),
            *self._operations_on_one(),
        )

    def _operations_on_one(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "PATCH",
                ONE,
                "Change what a member may do",
                self.change,
                MemberView,
                auth=DEVELOPERS,
                least=Role.OWNER,
                request=MemberChange,
                fields=(IF_MATCH, PLATFORM_ID),
                errors=CHANGE,
            ),
            Operation(
                "DELETE",
                ONE,
                "Remove a member",
                self.remove,
                None,
                auth=DEVELOPERS,
                least=Role.OWNER,
                fields=(IF_MATCH, PLATFORM_ID),
                errors=CHANGE,
            ),
        )

    async def page(self, call: Call) -> Answer:
        """List a page of members."""
        query: PageQuery = call.query
        after = decode_cursor(query.cursor)
        async with self._directory.read() as reading:
            found = await developers.members(
                reading.connection, call.known.business.id, after, query.limit + 1
            )
        page, cursor = cut(found, query.limit, lambda member: member.id)
        views = [member_view(each) for each in page]
        return Answer(MemberPage(data=views, next_cursor=cursor, has_more=cursor is not None))

    async def invite(self, call: Call) -> Answer:
        """Let somebody in."""
        asked: Invitation = call.body
        platform = call.known.business.id
        made = await developers.invite(call.writing.writer, platform, asked.email, asked.role)
        if made is None:
            raise ConflictError("There is a member with this address.")
        return _shown(made)

    async def change(self, call: Call) -> Answer:
        """Change what a member may do."""
        asked: MemberChange = call.body
        async with self._directory.write(call.actor) as writing:
            member = await _find(writing, call)
            check_match(call, member_view(member))
            if asked.role is not member.role:
                await _check_owned_without(writing, member)
                await developers.set_role(writing.writer, member, asked.role)
        return _shown(replace(member, role=asked.role))

    async def remove(self, call: Call) -> Answer:
        """Remove a member."""
        async with self._directory.write(call.actor) as writing:
            member = await _find(writing, call)
            check_match(call, member_view(member))
            await _check_owned_without(writing, member)
            await developers.remove(writing.writer, member)
        return Answer(None)


def member_view(member: Membership) -> MemberView:
    """Return a member as callers see it."""
    return MemberView(
        id=member.id,
        developer_id=member.developer_id,
        email=member.email,
        role=member.role,
        created_at=instant(member.created_at),
    )


def _shown(member: Membership) -> Answer:
    view = member_view(member)
    return Answer(view, headers=versioned(view))


async def _find(reading: Reading, call: Call) -> Membership:
    found = await developers.member(
        reading.connection, call.known.business.id, call.parameters["memberId"]
    )
    if found is None:
        raise NotFoundError("There is no such member.")
    return found


async def _check_owned_without(reading: Reading, member: Membership) -> None:
    """Raise `ConflictError` if nobody else owns the platform: it could not be managed any more."""
    if member.role is not Role.OWNER or member.developer_id is None:
        return
    if await developers.owners(reading.connection, member.platform_id) < 2:
        raise ConflictError("A platform needs an owner: make somebody else one first.")

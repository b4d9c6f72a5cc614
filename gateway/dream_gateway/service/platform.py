"""`/platform`: the developer's own business, and what was changed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import NotFoundError
from dream_gateway.model import Role
from dream_gateway.records import audit, developers, platforms
from dream_gateway.service.authentication import DEVELOPERS, Auth
from dream_gateway.service.failures import CHANGE, CREATE, READ
from dream_gateway.service.fields import IDEMPOTENCY_KEY, IF_MATCH, PLATFORM_ID
from dream_gateway.service.operation import Operation
from dream_gateway.service.paging import cut, decode_position
from dream_gateway.service.platform_shapes import (
    AuditPage,
    AuditView,
    DeveloperView,
    PageQuery,
    PlatformAnswer,
    PlatformChange,
    PlatformView,
    SignUp,
    StandingList,
    StandingView,
)
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import instant
from dream_gateway.service.versions import check_match, versioned

if TYPE_CHECKING:
    from dream_gateway.model import Developer, Platform
    from dream_gateway.records.audit import Entry
    from dream_gateway.service.authentication import Caller
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory

PATH = "/platform"


class PlatformRoutes:
    """Registers developers, and shows and changes the platform that the caller means."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "POST",
                PATH + "/sign-up",
                "Register with a platform of one's own; any first call does",
                self.sign_up,
                PlatformAnswer,
                auth=frozenset({Auth.PLATFORM}),
                least=Role.OWNER,
                status=201,
                request=SignUp,
                body_optional=True,
                fields=(IDEMPOTENCY_KEY,),
                creates=True,
                errors=CREATE,
            ),
            Operation(
                "GET",
                PATH,
                "Show the platform, and who asks",
                self.show,
                PlatformAnswer,
                auth=DEVELOPERS,
                fields=(PLATFORM_ID,),
                errors=READ,
            ),
            Operation(
                "PATCH",
                PATH,
                "Rename the platform",
                self.change,
                PlatformAnswer,
                auth=DEVELOPERS,
                least=Role.OWNER,
                request=PlatformChange,
                fields=(IF_MATCH, PLATFORM_ID),
                errors=CHANGE,
            ),
            *self._lists(),
        )

    def _lists(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "GET",
                PATH + "/platforms",
                "List the platforms that the developer has a part in",
                self.every,
                StandingList,
                auth=frozenset({Auth.PLATFORM}),
                errors=READ,
            ),
            Operation(
                "GET",
                PATH + "/audit",
                "List what was changed, newest first",
                self.audit,
                AuditPage,
                auth=DEVELOPERS,
                least=Role.ADMIN,
                query=PageQuery,
                fields=(PLATFORM_ID,),
                errors=READ,
            ),
        )

    async def sign_up(self, call: Call) -> Answer:
        """Name the platform; whoever comes here is registered."""
        asked: SignUp = call.body
        platform = call.known.business
        if asked.name is not None and asked.name != platform.name:
            platform = await platforms.rename(call.writing.writer, platform, asked.name)
        return _answer(call.known, platform)

    async def show(self, call: Call) -> Answer:
        """Show the platform."""
        return _answer(call.known, call.known.business)

    async def change(self, call: Call) -> Answer:
        """Rename the platform."""
        asked: PlatformChange = call.body
        async with self._directory.write(call.actor) as writing:
            platform = await platforms.find(writing.connection, call.known.business.id)
            if platform is None:
                raise NotFoundError
            check_match(call, platform_view(platform))
            if asked.name != platform.name:
                platform = await platforms.rename(writing.writer, platform, asked.name)
        return _answer(call.known, platform)

    async def every(self, call: Call) -> Answer:
        """List the platforms that the developer has a part in."""
        developer = call.known.developer
        if developer is None:
            raise RuntimeError("this operation is for developers")
        async with self._directory.read() as reading:
            found = await developers.platforms_of(reading.connection, developer)
        views = [
            StandingView(platform=platform_view(each.platform), role=each.membership.role)
            for each in found
        ]
        return Answer(StandingList(data=views))

    async def audit(self, call: Call) -> Answer:
        """List a page of the audit log."""
        query: PageQuery = call.query
        wanted = audit.Wanted(platform=call.known.business.id)
        before = decode_position(query.cursor)
        async with self._directory.read() as reading:
            found = await audit.page(reading.connection, wanted, before, query.limit + 1)
        page, cursor = cut(found, query.limit, lambda entry: str(entry.position))
        views = [_audit_view(each) for each in page]
        return Answer(AuditPage(data=views, next_cursor=cursor, has_more=cursor is not None))


def platform_view(platform: Platform) -> PlatformView:
    """Return a platform as callers see it."""
    return PlatformView(
        id=platform.id,
        name=platform.name,
        suspended=platform.suspended,
        unpaid=platform.unpaid,
        created_at=instant(platform.created_at),
    )


def _answer(caller: Caller, platform: Platform) -> Answer:
    developer, view = caller.developer, platform_view(platform)
    value = PlatformAnswer(
        platform=view,
        developer=None if developer is None else _developer_view(developer),
        role=caller.role or Role.MEMBER,
    )
    return Answer(value, headers=versioned(view))


def _developer_view(developer: Developer) -> DeveloperView:
    return DeveloperView(
        id=developer.id,
        email=developer.email,
        first_name=developer.first_name,
        last_name=developer.last_name,
        created_at=instant(developer.created_at),
    )


def _audit_view(entry: Entry) -> AuditView:
    return AuditView(
        at=instant(entry.at),
        actor=entry.actor,
        action=entry.action,
        object=entry.object,
        project_id=entry.project,
        request_id=entry.request,
        details=dict(entry.details),
    )

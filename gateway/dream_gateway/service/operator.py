"""`/operator/platforms`: every platform, for whoever runs the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import NotFoundError
from dream_gateway.records import platforms
from dream_gateway.service.authentication import Auth
from dream_gateway.service.failures import READ
from dream_gateway.service.operation import Operation
from dream_gateway.service.paging import cut, decode_cursor
from dream_gateway.service.platform import platform_view
from dream_gateway.service.platform_shapes import PageQuery, PlatformPage, PlatformView
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import NoFields

if TYPE_CHECKING:
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory

OPERATORS = frozenset({Auth.OPERATOR})
PATH = "/operator/platforms"


class OperatorRoutes:
    """Lists platforms, and keeps their keys from working."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "GET",
                PATH,
                "List platforms, oldest first",
                self.page,
                PlatformPage,
                auth=OPERATORS,
                query=PageQuery,
                errors=READ,
            ),
            Operation(
                "POST",
                PATH + "/{platformId}/suspend",
                "Refuse a platform's keys and changes, until it is resumed",
                self.suspend,
                PlatformView,
                auth=OPERATORS,
                request=NoFields,
                body_optional=True,
                errors=READ,
            ),
            Operation(
                "POST",
                PATH + "/{platformId}/resume",
                "Let a platform's keys work again",
                self.resume,
                PlatformView,
                auth=OPERATORS,
                request=NoFields,
                body_optional=True,
                errors=READ,
            ),
        )

    async def page(self, call: Call) -> Answer:
        """List a page of platforms."""
        query: PageQuery = call.query
        after = decode_cursor(query.cursor)
        async with self._directory.read() as reading:
            found = await platforms.page(reading.connection, after, query.limit + 1)
        page, cursor = cut(found, query.limit, lambda platform: platform.id)
        views = [platform_view(each) for each in page]
        return Answer(PlatformPage(data=views, next_cursor=cursor, has_more=cursor is not None))

    async def suspend(self, call: Call) -> Answer:
        """Suspend a platform; a repeat changes nothing."""
        return await self._set(call, suspended=True)

    async def resume(self, call: Call) -> Answer:
        """Resume a platform; a repeat changes nothing."""
        return await self._set(call, suspended=False)

    async def _set(self, call: Call, *, suspended: bool) -> Answer:
        async with self._directory.write(call.actor) as writing:
            platform = await platforms.find(writing.connection, call.parameters["platformId"])
            if platform is None:
                raise NotFoundError("There is no such platform.")
            if platform.suspended is not suspended:
                platform = await platforms.suspend(writing.writer, platform, suspended=suspended)
        return Answer(platform_view(platform))

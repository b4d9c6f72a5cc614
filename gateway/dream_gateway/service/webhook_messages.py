"""`/api/webhook-messages`: what was told, and how it fares at each endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dream_gateway.errors import NotFoundError
from dream_gateway.records import message_log
from dream_gateway.records.message_log import Wanted
from dream_gateway.records.messages import DispatchStatus
from dream_gateway.service.authentication import MANAGERS
from dream_gateway.service.failures import READ
from dream_gateway.service.fields import PROJECT_ID
from dream_gateway.service.operation import Operation
from dream_gateway.service.paging import cut, decode_position
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import instant, optional_instant
from dream_gateway.service.webhook_shapes import (
    DeliveryView,
    MessagePage,
    MessageQuery,
    MessageView,
)

if TYPE_CHECKING:
    from dream_gateway.records.message_log import Dispatch, Message
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory

PATH = "/api/webhook-messages"


class WebhookMessageRoutes:
    """Shows the messages of the caller's project, for as long as they are kept."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "GET",
                PATH,
                "List webhook messages and their deliveries, newest first",
                self.page,
                MessagePage,
                auth=MANAGERS,
                query=MessageQuery,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
            Operation(
                "GET",
                PATH + "/{id}",
                "Show a webhook message and its deliveries",
                self.show,
                MessageView,
                auth=MANAGERS,
                fields=(PROJECT_ID,),
                errors=READ,
            ),
        )

    async def page(self, call: Call) -> Answer:
        """List a page of messages."""
        query: MessageQuery = call.query
        wanted = Wanted(query.type, query.endpoint_id, query.status)
        before = decode_position(query.cursor)
        async with self._directory.read() as reading:
            found = await message_log.page(
                reading.connection, call.known.project.id, wanted, before, query.limit + 1
            )
        page, cursor = cut(found, query.limit, lambda message: str(message.position))
        views = [_message_view(each) for each in page]
        return Answer(MessagePage(data=views, next_cursor=cursor, has_more=cursor is not None))

    async def show(self, call: Call) -> Answer:
        """Show one message."""
        project = call.known.project.id
        async with self._directory.read() as reading:
            found = await message_log.message(reading.connection, project, call.parameters["id"])
        if found is None:
            raise NotFoundError("There is no such webhook message.")
        return Answer(_message_view(found))


def _message_view(message: Message) -> MessageView:
    return MessageView(
        id=message.id,
        type=message.kind,
        created_at=instant(message.created_at),
        payload=msgspec.json.decode(message.payload),
        deliveries=[_delivery_view(each) for each in message.dispatches],
    )


def _delivery_view(dispatch: Dispatch) -> DeliveryView:
    is_pending = dispatch.status is DispatchStatus.PENDING
    return DeliveryView(
        endpoint_id=dispatch.endpoint_id,
        status=dispatch.status,
        attempts=dispatch.attempts,
        last_attempt_at=optional_instant(dispatch.tried_at),
        next_attempt_at=instant(dispatch.due_at) if is_pending else None,
        response_status=dispatch.answer,
        error=dispatch.fault,
    )

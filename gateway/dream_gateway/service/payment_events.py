"""`/platform/projects/{projectId}/payment-events`: what the provider told, dealt with again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from dream_gateway.errors import (
    BillingAccountError,
    BillingNotConfiguredError,
    NotFoundError,
)
from dream_gateway.model import Role
from dream_gateway.records import accounts, inbox
from dream_gateway.records.accounts import AccountStatus
from dream_gateway.service.authentication import DEVELOPERS
from dream_gateway.service.failures import READ
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import Shape
from dream_gateway.service.webhook_shapes import Replayed

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.billing.engine import Engine
    from dream_gateway.model import Project
    from dream_gateway.payments import Account
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory

PATH = "/platform/projects/{projectId}/payment-events"

EventId = Annotated[str, Meta(min_length=1, max_length=255)]


class EventReplay(Shape):
    """Which events to deal with again, by the provider's ids; without any, all that failed."""

    event_ids: Annotated[list[EventId], Meta(max_length=100)] | None = None


class PaymentEventRoutes:
    """Has failed events dealt with again, of the account that a project's customers pay to.

    What failed is not known to be of any one project, so whoever manages one may have all of the
    account's taken again. What they are about is asked for anew: that does no harm.
    """

    def __init__(self, directory: Directory, billing: Engine | None) -> None:
        self._directory = directory
        self._billing = billing

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "POST",
                PATH + "/replay",
                "Deal again with events of the payment provider that failed",
                self.replay,
                Replayed,
                auth=DEVELOPERS,
                least=Role.ADMIN,
                status=202,
                request=EventReplay,
                body_optional=True,
                errors=(*READ, BillingAccountError, BillingNotConfiguredError),
            ),
        )

    async def replay(self, call: Call) -> Answer:
        """Have events taken again, at once."""
        asked: EventReplay | None = call.body
        project, wanted = call.known.project, None if asked is None else asked.event_ids
        if self._billing is None:
            raise BillingNotConfiguredError
        async with self._directory.write(call.actor) as writing:
            writer = writing.writer
            account = await account_of(writer.connection, project)
            if account is None:
                raise BillingAccountError
            count = await inbox.replay_failed(writer, account, wanted)
            if wanted is not None and count < len(set(wanted)):
                raise NotFoundError("There is no event of this id that failed.")
            await writer.audit(
                "payment_events.replay", account.id or "", {"events": count}, project=project.id
            )
        self._billing.wake()
        return Answer(Replayed(success=True, replayed=count))


async def account_of(connection: AsyncConnection, project: Project) -> Account | None:
    """Return the account that a project's customers pay to, `None` if nothing may be asked of any."""
    found = await accounts.of_platform(connection, project.platform_id, project.mode)
    if found is None or found.status is AccountStatus.DEAUTHORIZED:
        return None
    return found.account

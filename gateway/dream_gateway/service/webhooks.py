"""`POST /webhook/{name}`: what identity providers tell of their users."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from dream_gateway.errors import (
    BadRequestError,
    InvalidCredentialError,
    InvalidRequestError,
    StoreUnavailableError,
)
from dream_gateway.model import Actor
from dream_gateway.records import identities
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.hookspecs import UserChange, UserWebhook
    from dream_gateway.model import Customer
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory, Writing

MAX_BODY = 256 << 10
"""Bytes: a user may have much metadata."""


class Received(Shape):
    """It was taken: there is no need to send it again."""

    received: Literal[True]


class WebhookRoutes:
    """Takes each message once, and applies it in the transaction that remembers it."""

    def __init__(self, directory: Directory, readers: Sequence[UserWebhook]) -> None:
        self._directory = directory
        self._readers = readers

    def operations(self) -> tuple[Operation, ...]:
        """Return one operation for each provider that tells anything."""
        return tuple(
            Operation(
                "POST",
                f"/webhook/{reader.name}",
                f"Take what {reader.name} tells of its users; it is signed",
                partial(self._receive, reader),
                Received,
                errors=(
                    BadRequestError,
                    InvalidCredentialError,
                    InvalidRequestError,
                    StoreUnavailableError,
                ),
            )
            for reader in self._readers
        )

    async def _receive(self, reader: UserWebhook, call: Call) -> Answer:
        body = await call.read(MAX_BODY)
        change = reader.read(readable(call), body)
        if change is not None:
            actor = Actor(f"webhook/{reader.name}", call.request_id.decode("ascii", "replace"))
            async with self._directory.write(actor) as writing:
                if not await identities.heard(writing.writer, reader.name, change.id):
                    await _apply(writing, change)
        return Answer(Received(received=True))


def readable(call: Call) -> dict[str, str]:
    """Return the header fields as those who read webhooks take them."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in call.fields.items()}


async def _apply(writing: Writing, change: UserChange) -> None:
    for customer in await identities.told(writing.writer, change):
        if change.deleted:
            await writing.delete_customer(customer)
        elif (changed := _changed(customer, change)) != customer:
            await writing.change_customer(changed)


def _changed(customer: Customer, change: UserChange) -> Customer:
    return replace(
        customer,
        email=change.email or customer.email,
        first_name=change.first_name,
        last_name=change.last_name,
    )

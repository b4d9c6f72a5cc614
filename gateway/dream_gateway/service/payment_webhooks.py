"""`POST /webhook/{name}` and `/webhook/{name}/platform`: what payment providers tell."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dream_gateway.errors import (
    BadRequestError,
    InvalidCredentialError,
    InvalidRequestError,
    StoreUnavailableError,
)
from dream_gateway.payments import Endpoint
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer
from dream_gateway.service.webhooks import Received, readable

if TYPE_CHECKING:
    from dream_gateway.billing.engine import Engine
    from dream_gateway.service.call import Call

MAX_BODY = 1 << 20
"""Bytes: an invoice may have many lines."""

PATHS = {Endpoint.CONNECT: "", Endpoint.PLATFORM: "/platform"}
SUMMARIES = {
    Endpoint.CONNECT: "Take what {} tells of developers' accounts; it is signed",
    Endpoint.PLATFORM: "Take what {} tells of the operator's own account; it is signed",
}


class PaymentWebhookRoutes:
    """Answers as soon as an event is kept: what it leads to happens after that."""

    def __init__(self, billing: Engine | None) -> None:
        self._billing = billing

    def operations(self) -> tuple[Operation, ...]:
        """Return one operation for each endpoint, none without a payment provider."""
        if self._billing is None:
            return ()
        name = self._billing.provider.name
        return tuple(
            Operation(
                "POST",
                f"/webhook/{name}{path}",
                SUMMARIES[endpoint].format(name),
                partial(self._receive, self._billing, endpoint),
                Received,
                errors=(
                    BadRequestError,
                    InvalidCredentialError,
                    InvalidRequestError,
                    StoreUnavailableError,
                ),
            )
            for endpoint, path in PATHS.items()
        )

    async def _receive(self, billing: Engine, endpoint: Endpoint, call: Call) -> Answer:
        body = await call.read(MAX_BODY)
        await billing.receive(endpoint, readable(call), body)
        return Answer(Received(received=True))

"""`/platform/projects/{projectId}/catalogue`: what a project sells, at the payment provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import (
    BillingAccountError,
    BillingNotConfiguredError,
    BillingUnavailableError,
    ConflictError,
)
from dream_gateway.model import Role
from dream_gateway.records import accounts, prices, pushes
from dream_gateway.service.authentication import DEVELOPERS
from dream_gateway.service.failures import READ
from dream_gateway.service.operation import Operation
from dream_gateway.service.push_shapes import CatalogueView, DriftReport, DriftView, ListingView
from dream_gateway.service.reply import Answer
from dream_gateway.service.values import NoFields, optional_instant

if TYPE_CHECKING:
    from dream_gateway.billing.catalogue import Catalogue
    from dream_gateway.billing.engine import Engine
    from dream_gateway.billing.items import Drift
    from dream_gateway.records.prices import Price
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory

PATH = "/platform/projects/{projectId}/catalogue"
FAILURES = (
    *READ,
    ConflictError,
    BillingAccountError,
    BillingNotConfiguredError,
    BillingUnavailableError,
)


class CatalogueRoutes:
    """Shows how far the provider has a catalogue, and pushes it."""

    def __init__(self, directory: Directory, billing: Engine | None) -> None:
        self._directory = directory
        self._billing = billing

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "GET",
                PATH,
                "Show what is on sale at the payment provider, and whether it is all of it",
                self.show,
                CatalogueView,
                auth=DEVELOPERS,
                errors=READ,
            ),
            Operation(
                "POST",
                PATH,
                "Have on sale at the payment provider what the project sells; repairs drift",
                self.push,
                CatalogueView,
                auth=DEVELOPERS,
                least=Role.ADMIN,
                request=NoFields,
                body_optional=True,
                errors=FAILURES,
            ),
            Operation(
                "GET",
                PATH + "/drift",
                "Ask the payment provider what it has otherwise",
                self.drift,
                DriftReport,
                auth=DEVELOPERS,
                errors=FAILURES,
            ),
        )

    async def show(self, call: Call) -> Answer:
        """Show what is known here of the provider's catalogue."""
        return await self._shown(call)

    async def push(self, call: Call) -> Answer:
        """Push the catalogue now."""
        await self._catalogue().push(call.known.project.id, call.actor)
        return await self._shown(call)

    async def drift(self, call: Call) -> Answer:
        """Compare with the provider."""
        found = await self._catalogue().drift(call.known.project.id)
        return Answer(DriftReport(drift=[drift_view(each) for each in found]))

    async def _shown(self, call: Call) -> Answer:
        project = call.known.project
        async with self._directory.read() as reading:
            push = await pushes.find(reading.connection, project.id)
            owner = await accounts.of_platform(
                reading.connection, project.platform_id, project.mode
            )
            sold: list[Price] = []
            if owner is not None:
                sold = await prices.on_sale(reading.connection, owner.account, project.id)
        return Answer(
            CatalogueView(
                status="never" if push is None else push.status.value,
                fault=None if push is None else push.fault,
                pushed_at=optional_instant(None if push is None else push.pushed_at),
                on_sale=[listing_view(price) for price in sold],
            )
        )

    def _catalogue(self) -> Catalogue:
        if self._billing is None:
            raise BillingNotConfiguredError
        return self._billing.catalogue


def listing_view(price: Price) -> ListingView:
    """Return what is on sale as callers see it."""
    return ListingView(
        kind=price.kind.value,
        ref=price.ref,
        price_id=price.price_id,
        product_id=price.provider_product_id,
        amount=price.amount,
        currency=price.currency,
        interval=price.interval,
    )


def drift_view(drift: Drift) -> DriftView:
    """Return a drift as callers see it."""
    return DriftView(
        kind=drift.kind.value, ref=drift.ref, problem=drift.problem, fields=list(drift.fields)
    )

"""`GET /api/tiers`: what a project offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.errors import ForbiddenError, StoreUnavailableError
from dream_gateway.service.authentication import Auth
from dream_gateway.service.catalogue_shapes import TierList, TierView
from dream_gateway.service.key_values import rate_view
from dream_gateway.service.operation import Operation
from dream_gateway.service.reply import Answer

if TYPE_CHECKING:
    from dream_gateway.model import Tier
    from dream_gateway.service.call import Call
    from dream_gateway.service.directory import Directory


class TierRoutes:
    """Shows the tiers of the caller's project."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of this module."""
        return (
            Operation(
                "GET",
                "/api/tiers",
                "List the project's tiers",
                self.show,
                TierList,
                auth=frozenset({Auth.SECRET, Auth.PUBLISHABLE}),
                errors=(ForbiddenError, StoreUnavailableError),
            ),
        )

    async def show(self, call: Call) -> Answer:
        """List every tier."""
        async with self._directory.read() as reading:
            tiers = await reading.tiers(call.known.project.id)
        return Answer(TierList(tiers=[tier_view(tier) for tier in tiers]))


def tier_view(tier: Tier) -> TierView:
    """Return a tier as callers see it."""
    quota = tier.quota
    return TierView(
        name=tier.name,
        display_name=tier.display_name or tier.name,
        price=tier.price,
        currency=tier.currency,
        limit="unlimited" if quota is None or quota.limit is None else quota.limit,
        interval=None if quota is None else quota.interval,
        rate=rate_view(tier.rate),
        price_id=tier.price_id,
        product_id=tier.product_id,
        features=list(tier.features),
        popular=tier.popular,
        trial_days=tier.trial_days,
    )

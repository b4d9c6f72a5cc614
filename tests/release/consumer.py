"""What somebody's own code may look like, under mypy's strictest settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.client import AsyncDreamAPI, DreamAPI, QuotaExceededError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dream_gateway import Tier
    from dream_gateway.client.made.shapes import CustomerView
    from dream_gateway_oidc.settings import ProviderSettings


def remaining(api: DreamAPI, user: str) -> int | None:
    try:
        usage = api.usage.track(user_id=user, cost=2)["usage"]
    except QuotaExceededError as error:
        return int(error.problem["usageCount"])
    return None if usage["remaining"] == "unlimited" else usage["remaining"]


def customers(api: DreamAPI) -> Iterator[CustomerView]:
    yield from api.customers.iterate()


async def addresses(api: AsyncDreamAPI) -> AsyncIterator[str]:
    async for customer in api.customers.iterate(limit=100):
        if customer["email"] is not None:
            yield customer["email"]


def names(tiers: list[Tier], settings: ProviderSettings) -> list[str]:
    return [settings.issuer, *(tier.name for tier in tiers)]

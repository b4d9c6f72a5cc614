"""Users as the holder of a secret key names them: customers, who are registered on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.model import Customer
from dream_gateway.subjects import Subject

if TYPE_CHECKING:
    from dream_gateway.clock import Clock
    from dream_gateway.lookup import Lookup
    from dream_gateway.meter import Meter
    from dream_gateway.model import Project, Tier


class NamedUsers:
    """Finds the customers of a project by the developer's own ids. Used from one event loop."""

    def __init__(self, lookup: Lookup, meter: Meter, clock: Clock) -> None:
        self._lookup = lookup
        self._meter = meter
        self._now = clock.now

    async def tier(self, project: Project, name: str) -> Tier | None:
        """Return one tier of a project, from the cache."""
        return (await self._lookup.tiers(project.id)).get(name)

    async def customer(self, project: Project, user: str) -> Customer:
        """Return a named user, who is registered on first use, as they are in the cache."""
        known = await self._lookup.caller(project.id, user)
        if known is not None:
            return known.customer
        tier = project.default_tier
        return await self._lookup.register(project.id, user, tier, self._now())

    async def subject(self, project: Project, user: str, plan: str | None, cost: int) -> Subject:
        """Return a user as one to charge `cost` to; one who is unknown and pays nothing is a stranger.

        `plan` is the tier of somebody new.
        """
        known = await self._lookup.caller(project.id, user)
        if known is not None:
            known.at(self._now(), self._meter)
            return known
        if cost == 0:
            return await self._made(project, self._stranger(project, user))
        tier = await self._chosen(project, plan)
        customer = await self._lookup.register(project.id, user, tier, self._now())
        return await self._made(project, customer)

    async def _chosen(self, project: Project, plan: str | None) -> str:
        if plan is not None and await self.tier(project, plan) is not None:
            return plan
        return project.default_tier

    async def _made(self, project: Project, customer: Customer) -> Subject:
        tier = await self.tier(project, customer.plan)
        subject = Subject(project, customer, tier, None)
        subject.at(self._now(), self._meter)
        return subject

    def _stranger(self, project: Project, user: str) -> Customer:
        now = self._now()
        return Customer(f"unknown/{user}", project.id, user, project.default_tier, now, now)

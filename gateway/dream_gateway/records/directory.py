"""The records as the hot cache reads them: one short transaction for each question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway import keys
from dream_gateway.errors import ConflictError
from dream_gateway.model import Customer
from dream_gateway.records import credentials, customers, identities, projects, tiers

if TYPE_CHECKING:
    from dream_gateway.hookspecs import Identified
    from dream_gateway.model import Credential, Project, Tier
    from dream_gateway.records.database import Records

FIRST_USE = "first use"
"""The actor of customers that are registered by being named."""

SIGN_IN = "sign-in"
"""The actor of customers that are registered by their first token."""


class Directory:
    """Each method raises `StoreUnavailableError` if the records are away."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def credential(self, digest: bytes) -> Credential | None:
        """Return the key that has this digest."""
        async with self._records.read() as connection:
            return await credentials.by_digest(connection, digest)

    async def project(self, project_id: str) -> Project | None:
        """Return a project; suspended if its platform is."""
        async with self._records.read() as connection:
            return await projects.find(connection, project_id)

    async def tiers(self, project_id: str) -> dict[str, Tier]:
        """Return a project's tiers by name."""
        async with self._records.read() as connection:
            return {tier.name: tier for tier in await tiers.of_project(connection, project_id)}

    async def customer(self, project_id: str, ref: str) -> Customer | None:
        """Return a customer by external id or by id."""
        async with self._records.read() as connection:
            return await customers.referred(connection, project_id, ref)

    async def register(self, project_id: str, external_id: str, plan: str, now: float) -> Customer:
        """Return the customer of that external id, made if there is none; safe to race."""
        made = Customer(keys.mint_id("cus"), project_id, external_id, plan, now, now)
        try:
            async with self._records.write(FIRST_USE) as writer:
                found = await customers.named(writer.connection, project_id, external_id)
                if found is not None:
                    return found
                await customers.add(writer, made)
        except ConflictError:
            # Somebody else was faster, on a store that lets writers overlap.
            found = await self.customer(project_id, external_id)
            if found is None:
                raise
            return found
        return made

    async def linked(self, project_id: str, who: Identified) -> str | None:
        """Return the id of the customer whom an identity is linked to, a deleted one's too."""
        async with self._records.read() as connection:
            return await identities.linked(connection, project_id, who.issuer, who.subject)

    async def sign_up(self, project_id: str, who: Identified, plan: str) -> str:
        """Return the id of the customer of an identity, made and linked if there is none.

        Safe to race, with itself and with who registers a customer of the same external id.
        """
        try:
            return await self._sign_up(project_id, who, plan)
        except ConflictError:
            return await self._sign_up(project_id, who, plan)

    async def _sign_up(self, project_id: str, who: Identified, plan: str) -> str:
        async with self._records.write(SIGN_IN) as writer:
            connection = writer.connection
            found = await identities.linked(connection, project_id, who.issuer, who.subject)
            if found is not None:
                return found
            return (await identities.sign_up(writer, project_id, who, plan)).id

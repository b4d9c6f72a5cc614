"""The records as caches read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dream_gateway.hookspecs import Identified
    from dream_gateway.model import Credential, Customer, Project, Tier


class Source(Protocol):
    """The records, as the cache reads them. Each raises `StoreUnavailableError`."""

    async def credential(self, digest: bytes) -> Credential | None:
        """Return the key that has this digest."""
        ...

    async def project(self, project_id: str) -> Project | None:
        """Return a project; suspended if its platform is."""
        ...

    async def tiers(self, project_id: str) -> dict[str, Tier]:
        """Return a project's tiers by name."""
        ...

    async def customer(self, project_id: str, ref: str) -> Customer | None:
        """Return a customer by external id or by id."""
        ...

    async def register(self, project_id: str, external_id: str, plan: str, now: float) -> Customer:
        """Return the customer of that external id, made if there is none."""
        ...

    async def linked(self, project_id: str, who: Identified) -> str | None:
        """Return the id of the customer whom an identity is linked to, a deleted one's too."""
        ...

    async def sign_up(self, project_id: str, who: Identified, plan: str) -> str:
        """Return the id of the customer of an identity, made and linked if there is none."""
        ...

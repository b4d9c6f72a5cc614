"""What an operator does to the records: the verbs behind the command line and the demo.

Works beside a running gateway: each write announces its change, and workers follow the feed.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dream_gateway.clock import SystemClock
from dream_gateway.errors import ConfigurationError
from dream_gateway.plugins import check_role, open_backend
from dream_gateway.storage import Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.model import Allowance, Credential, Customer, Mode, Project, Tier
    from dream_gateway.settings import Settings
    from dream_gateway.storage import Backend


@dataclass(frozen=True, slots=True)
class NewPlatform:
    """A platform just made, with its project's keys, which cannot be read again."""

    project: Project
    publishable_key: str
    secret_key: str


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made, with its secret, which cannot be read again."""

    credential: Credential
    secret: str


class Administration:
    """Verbs on the records of one store. Ids that are not there raise `NotFoundError`."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock

    async def create_platform(
        self, name: str, mode: Mode, tiers: Sequence[Tier], allowances: Sequence[Allowance]
    ) -> NewPlatform:
        """Create a platform, its project and the project's keys; the first tier is the default."""
        raise NotImplementedError

    async def platforms(self) -> list[tuple[str, Project]]:
        """Return every project with its platform's name, oldest first."""
        raise NotImplementedError

    async def project(self, project: str) -> Project:
        """Return one project."""
        raise NotImplementedError

    async def create_customer(self, project: str, external_id: str, plan: str | None) -> Customer:
        """Create a customer on a tier of the project, `None` for its default.

        Raises `ConflictError` if there is one of that id, `NotFoundError` if there is no such tier.
        """
        raise NotImplementedError

    async def customers(self, project: str) -> list[Customer]:
        """Return a project's customers, oldest first."""
        raise NotImplementedError

    async def create_key(
        self,
        project: str,
        external_id: str,
        *,
        name: str = "",
        scopes: tuple[str, ...] = (),
        expires_at: float | None = None,
        rate: Allowance | None = None,
    ) -> NewKey:
        """Create a key for a customer. `expires_at` is seconds since the epoch."""
        raise NotImplementedError

    async def keys(self, project: str, external_id: str) -> list[Credential]:
        """Return a customer's keys, oldest first, revoked ones too."""
        raise NotImplementedError

    async def revoke_key(self, key: str) -> Credential:
        """Revoke a key for good; a repeat changes nothing."""
        raise NotImplementedError

    async def rotate_key(self, key: str, grace_seconds: int) -> NewKey:
        """Give a key a new secret; the old one works for `grace_seconds` more."""
        raise NotImplementedError

    async def set_tier(self, project: str, tier: Tier) -> None:
        """Add a tier to a project, or put it in the place of the one of that name."""
        raise NotImplementedError

    async def tiers(self, project: str) -> list[Tier]:
        """Return a project's tiers."""
        raise NotImplementedError


@asynccontextmanager
async def open_administration(settings: Settings) -> AsyncIterator[Administration]:
    """Open the store for some verbs, with its schema made current, and close it.

    Raises `ConfigurationError` for a store that no other process can see.
    """
    clock = SystemClock()
    backend = open_backend(settings.store, clock)
    if not backend.shareable:
        raise ConfigurationError(
            "This store lives in one process, where no command can reach it: give --store a URL "
            "such as sqlite:///dream.db."
        )
    check_role(backend, Role.RECORDS)
    try:
        await backend.start()
        yield Administration(backend, clock)
    finally:
        await backend.close()

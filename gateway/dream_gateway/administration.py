"""What an operator does to the records: the verbs behind the command line and the demo.

Works beside a running gateway: each write announces its change, and workers follow the feed.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dream_gateway import keys
from dream_gateway.command_stores import open_records
from dream_gateway.errors import ConflictError, NotFoundError
from dream_gateway.model import Customer, KeyKind, KeyStatus
from dream_gateway.records import (
    audit,
    credentials,
    customers,
    platforms,
    products,
    projects,
    promotion,
    tiers,
)
from dream_gateway.records.projects import NewProject, ProjectDraft

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import (
        Allowance,
        Credential,
        Mode,
        Platform,
        Product,
        Project,
        Tier,
    )
    from dream_gateway.records.audit import Entry, Wanted
    from dream_gateway.records.database import Records
    from dream_gateway.records.promotion import Promoted
    from dream_gateway.settings import Settings

OPERATOR = "operator"
"""The actor of what is done on the command line, for the audit log."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made, with its secret, which cannot be read again."""

    credential: Credential
    secret: str


class Administration:
    """Verbs on the records of one store. Ids that are not there raise `NotFoundError`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def create_platform(
        self, name: str, mode: Mode, offered: Sequence[Tier], allowances: Sequence[Allowance]
    ) -> NewProject:
        """Create a platform, its project and the project's keys; the first tier is the default."""
        async with self._records.write(OPERATOR) as writer:
            platform = await platforms.create(writer, name)
            draft = ProjectDraft(name, mode, offered[0].name, allowances=tuple(allowances))
            made = await projects.create(writer, platform.id, draft)
            for tier in offered:
                await tiers.put(writer, made.project.id, tier)
        return made

    async def platforms(self, *, deleted: bool = False) -> list[tuple[str, Project]]:
        """Return every project with its platform's name, oldest first; or every deleted one."""
        async with self._records.read() as connection:
            return await projects.every(connection, deleted=deleted)

    async def suspend_platform(self, platform: str, *, suspended: bool) -> Platform:
        """Keep a platform's keys from working, or let them; a repeat changes nothing."""
        async with self._records.write(OPERATOR) as writer:
            found = await platforms.find(writer.connection, platform)
            if found is None:
                raise NotFoundError(f"There is no platform {platform!r}.")
            return await platforms.suspend(writer, found, suspended=suspended)

    async def promote(self, project: str) -> Promoted:
        """Make a test project's live project like it: see `promotion.promote`."""
        async with self._records.write(OPERATOR) as writer:
            return await promotion.promote(writer, await _project(writer.connection, project))

    async def delete_project(self, project: str) -> Project:
        """Delete a project; its keys stop at once."""
        async with self._records.write(OPERATOR) as writer:
            found = await _project(writer.connection, project)
            await projects.delete(writer, found)
        return found

    async def restore_project(self, project: str, days: int) -> Project:
        """Bring back a project deleted at most `days` ago."""
        async with self._records.write(OPERATOR) as writer:
            found = await projects.find_even_deleted(writer.connection, project)
            if found is None:
                raise NotFoundError(f"There is no project {project!r}.")
            return await projects.restore(writer, found, days)

    async def project(self, project: str) -> Project:
        """Return one project."""
        async with self._records.read() as connection:
            return await _project(connection, project)

    async def create_customer(self, project: str, external_id: str, plan: str | None) -> Customer:
        """Create a customer on a tier of the project, `None` for its default.

        Raises `ConflictError` if there is one of that id, `NotFoundError` if there is no such tier.
        """
        async with self._records.write(OPERATOR) as writer:
            owner = await _project(writer.connection, project)
            tier = plan or owner.default_tier
            if await tiers.named(writer.connection, project, tier) is None:
                raise NotFoundError(f"The project has no tier {tier!r}.")
            if await customers.named(writer.connection, project, external_id) is not None:
                raise ConflictError(f"There is a customer {external_id!r} already.")
            customer = Customer(
                keys.mint_id("cus"), project, external_id, tier, writer.now, writer.now
            )
            await customers.add(writer, customer)
        return customer

    async def customers(self, project: str) -> list[Customer]:
        """Return a project's customers, oldest first."""
        async with self._records.read() as connection:
            await _project(connection, project)
            return await customers.page(connection, project, None, None)

    async def suspend_customer(
        self, project: str, external_id: str, *, suspended: bool
    ) -> Customer:
        """Have a customer refused, or let in again; a repeat changes nothing."""
        async with self._records.write(OPERATOR) as writer:
            await _project(writer.connection, project)
            found = await _customer(writer.connection, project, external_id)
            changed = replace(found, suspended=suspended)
            if changed != found:
                await customers.change(writer, changed)
        return changed

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
        async with self._records.write(OPERATOR) as writer:
            owner = await _project(writer.connection, project)
            customer = await _customer(writer.connection, project, external_id)
            wanted = replace(
                credentials.template(project, KeyKind.CUSTOMER, writer.now),
                customer_id=customer.id,
                name=name,
                scopes=scopes,
                expires_at=expires_at,
                rate=rate,
            )
            return NewKey(*await credentials.mint(writer, owner.mode, wanted))

    async def keys(self, project: str, external_id: str) -> list[Credential]:
        """Return a customer's keys, oldest first, revoked ones too."""
        async with self._records.read() as connection:
            customer = await _customer(connection, project, external_id)
            return await credentials.of_customer(connection, customer.id, None, None)

    async def revoke_key(self, key: str) -> Credential:
        """Revoke a key for good; a repeat changes nothing."""
        async with self._records.write(OPERATOR) as writer:
            return await credentials.revoke(writer, await _key(writer.connection, key))

    async def rotate_key(self, key: str, grace_seconds: int) -> NewKey:
        """Give a key a new secret; the old one works for `grace_seconds` more."""
        async with self._records.write(OPERATOR) as writer:
            found = await _key(writer.connection, key)
            if found.status is not KeyStatus.ACTIVE:
                raise ConflictError(f"The key {key!r} is {found.status}: make a new one.")
            owner = await _project(writer.connection, found.project_id)
            if found.kind is KeyKind.PUBLISHABLE:
                made = await projects.rotate_publishable_key(writer, owner, grace_seconds)
                return NewKey(*made)
            return NewKey(*await credentials.rotate(writer, owner.mode, found, grace_seconds))

    async def set_tier(self, project: str, tier: Tier) -> None:
        """Add a tier to a project, or put it in the place of the one of that name."""
        async with self._records.write(OPERATOR) as writer:
            await _project(writer.connection, project)
            await tiers.put(writer, project, tier)

    async def change_tier(self, project: str, limits: Tier, values: Mapping[str, object]) -> Tier:
        """Give a tier the limits of another and some values, and leave the rest; add it if need be."""
        async with self._records.write(OPERATOR) as writer:
            await _project(writer.connection, project)
            old = await tiers.named(writer.connection, project, limits.name)
            own = {"allowances": limits.allowances, "overage": limits.overage, **values}
            tier = replace(old or limits, **own)  # type: ignore[arg-type] # each is a tier's own value
            await tiers.put(writer, project, tier)
        return tier

    async def remove_tier(self, project: str, name: str) -> None:
        """Remove a tier. Raises `ConflictError` for the default one, and if somebody is on it."""
        async with self._records.write(OPERATOR) as writer:
            owner = await _project(writer.connection, project)
            if await tiers.named(writer.connection, project, name) is None:
                raise NotFoundError(f"The project has no tier {name!r}.")
            await tiers.remove(writer, owner, name)

    async def set_product(self, product: Product) -> Product:
        """Add a product to its project, or put it in the place of the one of that name."""
        async with self._records.write(OPERATOR) as writer:
            await _project(writer.connection, product.project_id)
            found = await products.of_project(writer.connection, product.project_id)
            old = next((each for each in found if each.name == product.name), None)
            if old is None:
                made = replace(product, id=keys.mint_id("prod"), created_at=writer.now)
                await products.add(writer, made)
            else:
                made = replace(product, id=old.id, created_at=old.created_at)
                await products.change(writer, made)
        return made

    async def products(self, project: str) -> list[Product]:
        """Return a project's products, oldest first."""
        async with self._records.read() as connection:
            await _project(connection, project)
            return await products.of_project(connection, project)

    async def delete_product(self, project: str, name: str) -> None:
        """Delete a product by its name."""
        async with self._records.write(OPERATOR) as writer:
            await _project(writer.connection, project)
            found = await products.of_project(writer.connection, project)
            product = next((each for each in found if each.name == name), None)
            if product is None:
                raise NotFoundError(f"The project has no product {name!r}.")
            await products.delete(writer, product)

    async def tiers(self, project: str) -> list[Tier]:
        """Return a project's tiers."""
        async with self._records.read() as connection:
            await _project(connection, project)
            return await tiers.of_project(connection, project)

    async def audit(self, wanted: Wanted, before: int | None, limit: int) -> list[Entry]:
        """Return at most `limit` entries of the audit log, newest first: see `audit.page`."""
        async with self._records.read() as connection:
            return await audit.page(connection, wanted, before, limit)


@asynccontextmanager
async def open_administration(
    settings: Settings, *, create: bool = True
) -> AsyncIterator[Administration]:
    """Open the records for some verbs: see `open_records`."""
    async with open_records(settings, create=create) as records:
        yield Administration(records)


async def _project(connection: AsyncConnection, project: str) -> Project:
    found = await projects.find(connection, project)
    if found is None:
        raise NotFoundError(f"There is no project {project!r}.")
    return found


async def _customer(connection: AsyncConnection, project: str, external_id: str) -> Customer:
    found = await customers.referred(connection, project, external_id)
    if found is None:
        raise NotFoundError(f"There is no customer {external_id!r} in the project.")
    return found


async def _key(connection: AsyncConnection, key: str) -> Credential:
    found = await credentials.by_id(connection, key)
    if found is None:
        raise NotFoundError(f"There is no key {key!r}.")
    return found

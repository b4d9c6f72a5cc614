"""The control plane's directory, over the records."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from dream_gateway import keys
from dream_gateway.errors import ConflictError, NotFoundError
from dream_gateway.model import Customer, KeyKind
from dream_gateway.records import credentials, customers, projects, tiers
from dream_gateway.records.schema import idempotency
from dream_gateway.service.directory import MintedKey, Remembered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Actor, Credential, Mode, Project, Tier
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.service.directory import CustomerDraft, KeyDraft


class StoredReading:
    """Lookups inside one transaction: see `dream_gateway.service.directory.Reading`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    async def customer(self, project: str, customer: str) -> Customer | None:
        """Return a customer by id."""
        return await customers.by_id(self.connection, project, customer)

    async def customer_named(self, project: str, external_id: str) -> Customer | None:
        """Return a customer by the developer's own name for them."""
        return await customers.named(self.connection, project, external_id)

    async def customers(self, project: str, after: str | None, limit: int) -> list[Customer]:
        """Return at most `limit` customers, oldest first, from the one after the id `after`."""
        return await customers.page(self.connection, project, after, limit)

    async def key(self, project: str, key: str) -> Credential | None:
        """Return a customer key by id, a revoked one too."""
        found = await credentials.by_id(self.connection, key)
        if found is None or found.project_id != project or found.kind is not KeyKind.CUSTOMER:
            return None
        return found

    async def keys(
        self, project: str, customer: str, after: str | None, limit: int
    ) -> list[Credential]:
        """Return at most `limit` of a customer's keys, oldest first, from the one after `after`."""
        found = await credentials.of_customer(self.connection, customer, after, limit)
        return [key for key in found if key.project_id == project]

    async def tiers(self, project: str) -> list[Tier]:
        """Return the project's tiers."""
        return await tiers.of_project(self.connection, project)

    async def publishable_key(self, project: str) -> str | None:
        """Return the project's current publishable key."""
        return await projects.publishable_key(self.connection, project)

    async def remembered(self, scope: str, key: str) -> Remembered | None:
        """Return what was remembered under an idempotency key."""
        query = select(idempotency).where(idempotency.c.scope == scope, idempotency.c.key == key)
        row = (await self.connection.execute(query)).mappings().first()
        if row is None:
            return None
        return Remembered(row["fingerprint"], row["status"], row["body"], row["at"])


class StoredWriting(StoredReading):
    """Changes inside one transaction: see `dream_gateway.service.directory.Writing`."""

    def __init__(self, writer: Writer) -> None:
        super().__init__(writer.connection)
        self.writer = writer

    async def add_customer(self, project: Project, draft: CustomerDraft) -> Customer:
        """Create a customer. Raises `ConflictError` if the `external_id` is taken."""
        customer_id, now = keys.mint_id("cus"), self.writer.now
        customer = Customer(
            id=customer_id,
            project_id=project.id,
            external_id=draft.external_id or customer_id,
            plan=draft.plan or project.default_tier,
            anchor=now,
            created_at=now,
            email=draft.email,
            first_name=draft.first_name,
            last_name=draft.last_name,
            metadata=draft.metadata,
        )
        await customers.add(self.writer, customer)
        return customer

    async def change_customer(self, customer: Customer) -> None:
        """Store a customer's new values."""
        await customers.change(self.writer, customer)

    async def delete_customer(self, customer: Customer) -> None:
        """Hide a customer and revoke their keys; their usage history stays."""
        for key in await credentials.of_customer(self.connection, customer.id, None, None):
            await credentials.revoke(self.writer, key)
        await customers.delete(self.writer, customer)

    async def add_key(self, customer: Customer, draft: KeyDraft) -> MintedKey:
        """Create a key."""
        mode = await self._mode(customer.project_id)
        wanted = self._wanted(customer, draft)
        return MintedKey(*await credentials.mint(self.writer, mode, wanted))

    async def adopt_key(
        self, customer: Customer, draft: KeyDraft, digest: bytes, last4: str
    ) -> Credential:
        """Store a key that the customer has, by its SHA-256. Raises `ConflictError` if it is there."""
        if await credentials.by_digest(self.connection, digest) is not None:
            raise ConflictError("The key is there already.")
        wanted = replace(self._wanted(customer, draft), last4=last4)
        return await credentials.adopt(self.writer, wanted, digest)

    async def change_key(self, key: Credential) -> None:
        """Store a key's new values."""
        await credentials.change(self.writer, key)

    async def revoke_key(self, key: Credential) -> None:
        """Revoke a key for good; a repeat changes nothing."""
        await credentials.revoke(self.writer, key)

    async def rotate_key(self, key: Credential, grace_seconds: int) -> MintedKey:
        """Make a key, with its own id, to replace this one, which works for `grace_seconds` more."""
        mode = await self._mode(key.project_id)
        return MintedKey(*await credentials.rotate(self.writer, mode, key, grace_seconds))

    async def remember(self, scope: str, key: str, result: Remembered) -> None:
        """Remember a result under an idempotency key, over any other."""
        here = (idempotency.c.scope == scope) & (idempotency.c.key == key)
        await self.connection.execute(delete(idempotency).where(here))
        row = {"scope": scope, "key": key, **result._asdict()}
        await self.connection.execute(insert(idempotency).values(row))

    def _wanted(self, customer: Customer, draft: KeyDraft) -> Credential:
        blank = credentials.template(customer.project_id, KeyKind.CUSTOMER, self.writer.now)
        return replace(blank, customer_id=customer.id, **draft._asdict())

    async def _mode(self, project_id: str) -> Mode:
        project = await projects.find(self.connection, project_id)
        if project is None:
            raise NotFoundError
        return project.mode


class StoredDirectory:
    """The records as the control plane uses them."""

    def __init__(self, records: Records) -> None:
        self._records = records

    @asynccontextmanager
    async def read(self) -> AsyncIterator[StoredReading]:
        """Begin a read transaction."""
        async with self._records.read() as connection:
            yield StoredReading(connection)

    @asynccontextmanager
    async def write(self, actor: Actor) -> AsyncIterator[StoredWriting]:
        """Begin a write transaction, committed at the end, undone if it raises."""
        async with self._records.write(actor) as writer:
            yield StoredWriting(writer)

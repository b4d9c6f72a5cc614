"""What the control plane needs of the records, inside a transaction.

Every verb is about one project: what belongs to another is not there. What is about a platform or
the catalogue is asked of the modules in `dream_gateway.records` themselves, over the transaction's
`connection` or `writer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Actor, Allowance, Credential, Customer, Project, Tier
    from dream_gateway.records.database import Writer


class CustomerDraft(NamedTuple):
    """A customer to create; `None` as `external_id` is their own id, as `plan` the default tier."""

    email: str
    external_id: str | None
    plan: str | None
    first_name: str | None
    last_name: str | None
    metadata: dict[str, object]


class KeyDraft(NamedTuple):
    """A customer key to create. `expires_at` is seconds since the epoch."""

    name: str
    scopes: tuple[str, ...]
    expires_at: float | None
    allowed_ips: tuple[str, ...]
    rate: Allowance | None
    metadata: dict[str, object]


class MintedKey(NamedTuple):
    """A key and its secret, which cannot be had again."""

    credential: Credential
    secret: str


class Remembered(NamedTuple):
    """The result of a request that had an idempotency key; `at` is seconds since the epoch.

    `fingerprint` is a digest of what was asked. `body` is JSON, without any secret.
    """

    fingerprint: str
    status: int
    body: bytes
    at: float


class Reading(Protocol):
    """Lookups, all as of one moment. Deleted customers are not there."""

    @property
    def connection(self) -> AsyncConnection:
        """The transaction's connection."""
        ...

    async def customer(self, project: str, customer: str) -> Customer | None:
        """Return a customer by id."""
        ...

    async def customer_named(self, project: str, external_id: str) -> Customer | None:
        """Return a customer by the developer's own name for them."""
        ...

    async def customers(self, project: str, after: str | None, limit: int) -> list[Customer]:
        """Return at most `limit` customers, oldest first, from the one after the id `after`."""
        ...

    async def key(self, project: str, key: str) -> Credential | None:
        """Return a customer key by id, a revoked one too."""
        ...

    async def keys(
        self, project: str, customer: str, after: str | None, limit: int
    ) -> list[Credential]:
        """Return at most `limit` of a customer's keys, oldest first, from the one after `after`."""
        ...

    async def tiers(self, project: str) -> list[Tier]:
        """Return the project's tiers, in the order the developer gave them."""
        ...

    async def publishable_key(self, project: str) -> str | None:
        """Return the project's current publishable key."""
        ...

    async def remembered(self, scope: str, key: str) -> Remembered | None:
        """Return what was remembered under an idempotency key."""
        ...


class Writing(Reading, Protocol):
    """Changes, all of them or none; each is audited and announced on the change feed."""

    @property
    def writer(self) -> Writer:
        """The write transaction itself."""
        ...

    async def add_customer(self, project: Project, draft: CustomerDraft) -> Customer:
        """Create a customer. Raises `ConflictError` if the `external_id` is taken."""
        ...

    async def change_customer(self, customer: Customer) -> None:
        """Store a customer's new values."""
        ...

    async def delete_customer(self, customer: Customer) -> None:
        """Hide a customer and revoke their keys; their usage history stays."""
        ...

    async def add_key(self, customer: Customer, draft: KeyDraft) -> MintedKey:
        """Create a key."""
        ...

    async def adopt_key(
        self, customer: Customer, draft: KeyDraft, digest: bytes, last4: str
    ) -> Credential:
        """Store a key that the customer has, by its SHA-256. Raises `ConflictError` if it is there."""
        ...

    async def change_key(self, key: Credential) -> None:
        """Store a key's new values."""
        ...

    async def revoke_key(self, key: Credential) -> None:
        """Revoke a key for good; a repeat changes nothing."""
        ...

    async def rotate_key(self, key: Credential, grace_seconds: int) -> MintedKey:
        """Make a key, with its own id, to replace this one, which works for `grace_seconds` more."""
        ...

    async def remember(self, scope: str, key: str, result: Remembered) -> None:
        """Remember a result under an idempotency key, over any other."""
        ...


class Directory(Protocol):
    """The records as the control plane uses them."""

    def read(self) -> AbstractAsyncContextManager[Reading]:
        """Begin a read transaction."""
        ...

    def write(self, actor: Actor) -> AbstractAsyncContextManager[Writing]:
        """Begin a write transaction, committed at the end, undone if it raises.

        Write transactions come one after another. `actor` is who asks, for the audit log.
        """
        ...

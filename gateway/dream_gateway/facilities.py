"""What a running gateway lends its plugins. Each is safe to share between tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.clock import Clock
    from dream_gateway.metrics import Readings
    from dream_gateway.model import Project
    from dream_gateway.storage import Ledger
    from dream_gateway.vault import Vault


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to one person, as plain text; `sender_name` is who it is from, for people."""

    to: str
    sender_name: str
    subject: str
    text: str


class Mailer(Protocol):
    """Hands messages over for delivery, off the request that caused them."""

    async def send(self, mail: Mail) -> None:
        """Return once somebody else is responsible for it. Raises whatever went wrong."""
        ...


class Writing(Protocol):
    """A write transaction: its connection, and when it began, in seconds since the epoch."""

    @property
    def connection(self) -> AsyncConnection:
        """The connection, inside the transaction."""
        ...

    @property
    def now(self) -> float:
        """When it began."""
        ...


class Metrics(Protocol):
    """What the gateway measures: `dream_gateway.metrics` has the table of it."""

    def begin(self, *, by_project: bool = False) -> None:
        """Begin to gather, or nothing is known of other workers. To be called in each worker alike.

        `by_project`: projects are told apart by a label, which is empty otherwise.
        """
        ...

    def worker(self) -> Readings:
        """Return what this worker measured. Never blocks."""
        ...

    async def waiting(self) -> Readings:
        """Return what waits in the records to be done, which is every worker's."""
        ...

    async def node(self) -> Readings:
        """Return what all workers of this node measured, and what waits.

        What only grows does so for as long as the node has its folder, whichever worker dies.
        """
        ...


class Facilities(Protocol):
    """A started gateway, as far as plugins see it. What raises `StoreUnavailableError` says so."""

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def ledger(self) -> Ledger:
        """The counters; a counter's name begins with its project's id and a slash."""
        ...

    @property
    def vault(self) -> Vault:
        """What seals secrets that have to be read again."""
        ...

    @property
    def mailers(self) -> Sequence[Mailer]:
        """What sends mail; the first one does."""
        ...

    @property
    def metrics(self) -> Metrics:
        """What is measured."""
        ...

    @property
    def service_url(self) -> str:
        """Where the service listens, as the settings say; people may know it by another name."""
        ...

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Begin a read transaction on the records. Raises `StoreUnavailableError`."""
        ...

    def write(self, actor: str) -> AbstractAsyncContextManager[Writing]:
        """Begin a write transaction on the records, undone if the body raises.

        One comes after another, over all workers. Raises `ConflictError` where something is taken
        already, and `StoreUnavailableError`.
        """
        ...

    def is_operator(self, token: str) -> bool:
        """Tell whether a bearer token is one of the operator's."""
        ...

    async def sign_out(self, writer: Writing, issuer: str, subject: str) -> None:
        """End every session that a developer has in the dashboard, within a transaction.

        They are named as at their sign-in; nobody of that name is no error.
        """
        ...

    async def project(self, publishable_key: str) -> Project:
        """Return the project of a publishable key that works.

        Raises `InvalidCredentialError`, `PlatformSuspendedError` and `StoreUnavailableError`.
        """
        ...

    async def publishable_key(self, project: Project) -> str:
        """Return a project's current publishable key. Raises `StoreUnavailableError`."""
        ...

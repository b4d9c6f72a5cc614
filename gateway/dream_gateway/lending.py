"""What a gateway lends its plugins, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.model import KeyKind
from dream_gateway.operators import Operators
from dream_gateway.records import dashboard_sessions, projects
from dream_gateway.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.admission import Admission
    from dream_gateway.clock import Clock
    from dream_gateway.facilities import Mailer, Metrics, Writing
    from dream_gateway.model import Project
    from dream_gateway.records.database import Records
    from dream_gateway.settings import Settings
    from dream_gateway.storage import Ledger

_PUBLISHABLE = frozenset({KeyKind.PUBLISHABLE})


class Lent:
    """See `dream_gateway.facilities.Facilities`."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        records: Records,
        admission: Admission,
        mailers: Sequence[Mailer],
        metrics: Metrics,
    ) -> None:
        self.metrics = metrics
        self.clock = clock
        self.ledger = ledger
        self.vault = Vault(settings.encryption_keys)
        self.mailers = mailers
        self.service_url = settings.service_base
        self._records = records
        self._admission = admission
        self._operators = Operators(settings.operator_tokens)

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Begin a read transaction."""
        return self._records.read()

    def write(self, actor: str) -> AbstractAsyncContextManager[Writing]:
        """Begin a write transaction."""
        return self._records.write(actor)

    def is_operator(self, token: str) -> bool:
        """Tell whether a bearer token is one of the operator's."""
        return self._operators.know(token)

    async def sign_out(self, writer: Writing, issuer: str, subject: str) -> None:
        """End every session that a developer has in the dashboard."""
        await dashboard_sessions.end_all(writer, issuer, subject)

    async def project(self, publishable_key: str) -> Project:
        """Return the project of a publishable key."""
        _, project = await self._admission.holders.project_of(publishable_key, _PUBLISHABLE)
        return project

    async def publishable_key(self, project: Project) -> str:
        """Return a project's current publishable key."""
        async with self._records.read() as connection:
            return await projects.publishable_key(connection, project.id) or ""

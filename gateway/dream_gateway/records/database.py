"""Transactions on the records: each write commits together with the changes it announces."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dream_gateway.errors import ConflictError, InvalidRequestError, StoreUnavailableError
from dream_gateway.model import Actor
from dream_gateway.records.schema import audit_log, changes, projects
from dream_gateway.storage import Change, Subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from dream_gateway.clock import Clock
    from dream_gateway.storage import ChangeFeed


NAMED_BY_PROJECT = frozenset({Subject.PROJECT, Subject.TIER})
"""Whose changes are named by the id of their project."""


class Writer:
    """A write transaction: its connection, who acts, and what it has changed so far."""

    def __init__(self, connection: AsyncConnection, actor: Actor, now: float) -> None:
        self.connection = connection
        self.actor = actor
        self.now = now
        self.changes: list[Change] = []

    async def changed(
        self,
        subject: Subject,
        ref: str,
        action: str,
        details: Mapping[str, object] | None = None,
        *,
        project: str | None = None,
        platform: str | None = None,
    ) -> None:
        """Announce a change at commit, and audit it: see `audit`."""
        self.changes.append(Change(subject, ref))
        if subject in NAMED_BY_PROJECT:
            project = project or ref
        await self.audit(action, ref, details, project=project, platform=platform)

    async def audit(
        self,
        action: str,
        ref: str,
        details: Mapping[str, object] | None = None,
        *,
        project: str | None = None,
        platform: str | None = None,
    ) -> None:
        """Write down what was done to what. No secret may be in `details`.

        `project` or else `platform` says whose it is; the platform of a project is known.
        """
        owner = select(projects.c.platform_id).where(projects.c.id == project).scalar_subquery()
        await self.connection.execute(
            insert(audit_log).values(
                actor=self.actor.id,
                action=action,
                object=ref,
                details=dict(details or {}),
                at=self.now,
                platform_id=owner if platform is None and project is not None else platform,
                project_id=project,
                request_id=self.actor.request,
            )
        )


class Records:
    """Opens transactions; safe to share between tasks, each transaction being one task's."""

    def __init__(self, engine: AsyncEngine, clock: Clock, feed: ChangeFeed) -> None:
        self._engine = engine
        self._clock = clock
        self._feed = feed
        self._heard: list[Callable[[Sequence[Change]], None]] = []

    def tell(self, listener: Callable[[Sequence[Change]], None]) -> None:
        """Call a listener with the changes of every write from here, right after its commit.

        The feed tells it too, a little later: this is for who must see their own change at once.
        """
        self._heard.append(listener)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Begin a read transaction. Raises `StoreUnavailableError`."""
        try:
            async with self._engine.connect() as connection:
                yield await connection.execution_options(read_only=True)
        except (SQLAlchemyError, OSError) as exc:
            raise _translated(exc) from exc

    @asynccontextmanager
    async def write(self, actor: Actor | str) -> AsyncIterator[Writer]:
        """Begin a write transaction, committed at the end, undone if the body raises.

        Raises `ConflictError` where something is taken already, and `StoreUnavailableError`.
        """
        try:
            async with self._engine.begin() as connection:
                by = Actor(actor) if isinstance(actor, str) else actor
                writer = Writer(connection, by, self._clock.now())
                yield writer
                if writer.changes:
                    rows = [
                        {"subject": c.subject.value, "ref": c.ref, "at": writer.now}
                        for c in writer.changes
                    ]
                    await connection.execute(insert(changes), rows)
        except (SQLAlchemyError, OSError) as exc:
            raise _translated(exc) from exc
        for listener in self._heard:
            listener(writer.changes)
        await self._feed.publish(writer.changes)


def _translated(exc: SQLAlchemyError | OSError) -> Exception:
    """Return the gateway's error for one of the store; a mistake in the code stays what it is."""
    if isinstance(exc, IntegrityError):
        return ConflictError("Something of that name or id is there already.")
    if isinstance(exc, DBAPIError) and _is_unfit(exc.orig):
        return InvalidRequestError("A number or a text in it cannot be stored.")
    if isinstance(exc, (DBAPIError, PoolTimeoutError, OSError)):
        return StoreUnavailableError("The records cannot be read or written right now.")
    return exc


def _is_unfit(cause: BaseException | None) -> bool:
    """Return whether the data was to blame: class 22 of the SQL standard's codes."""
    return str(getattr(cause, "sqlstate", None) or "").startswith("22")

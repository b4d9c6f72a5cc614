"""Queries about messages and where they went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, select

from dream_gateway.records.billing_schema import dispatches, messages
from dream_gateway.records.messages import DispatchStatus

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A message on its way to one endpoint. `answer` is the status of the last answer there was."""

    endpoint_id: str
    status: DispatchStatus
    attempts: int
    due_at: float
    tried_at: float | None
    answer: int | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message, and where it went."""

    position: int
    id: str
    kind: str
    payload: bytes
    created_at: float
    dispatches: tuple[Dispatch, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages are wanted: those that fit all that is not `None`."""

    kind: str | None = None
    endpoint_id: str | None = None
    status: str | None = None


async def page(
    connection: AsyncConnection, project_id: str, wanted: Wanted, before: int | None, limit: int
) -> list[Message]:
    """Return at most `limit` messages, newest first, from the one before a position."""
    query = select(messages).where(messages.c.project_id == project_id, *_conditions(wanted))
    if before is not None:
        query = query.where(messages.c.position < before)
    return await _messages(connection, query.order_by(messages.c.position.desc()).limit(limit))


async def message(connection: AsyncConnection, project_id: str, message_id: str) -> Message | None:
    """Return one message."""
    here = messages.c.project_id == project_id, messages.c.id == message_id
    return next(iter(await _messages(connection, select(messages).where(*here))), None)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.kind is not None:
        found.append(messages.c.type == wanted.kind)
    if wanted.endpoint_id is not None or wanted.status is not None:
        sent = [dispatches.c.message_id == messages.c.id]
        if wanted.endpoint_id is not None:
            sent.append(dispatches.c.endpoint_id == wanted.endpoint_id)
        if wanted.status is not None:
            sent.append(dispatches.c.status == wanted.status)
        found.append(exists().where(*sent))
    return found


async def _messages(connection: AsyncConnection, query: Select[Any]) -> list[Message]:
    rows = list((await connection.execute(query)).mappings())
    sent: dict[str, list[Dispatch]] = {row["id"]: [] for row in rows}
    where = select(dispatches).where(dispatches.c.message_id.in_(sent))
    for row in (await connection.execute(where.order_by(dispatches.c.position))).mappings():
        sent[row["message_id"]].append(
            Dispatch(
                endpoint_id=row["endpoint_id"],
                status=DispatchStatus(row["status"]),
                attempts=row["attempts"],
                due_at=row["due_at"],
                tried_at=row["tried_at"],
                answer=row["answer"],
                fault=row["fault"],
            )
        )
    return [
        Message(
            row["position"],
            row["id"],
            row["type"],
            row["payload"],
            row["created_at"],
            tuple(sent[row["id"]]),
        )
        for row in rows
    ]

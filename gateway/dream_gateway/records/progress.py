"""How far a project has come: which of the first steps are done, as one query."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import exists, literal, select

from dream_gateway.model import KeyKind
from dream_gateway.records.schema import api_keys, end_users, projects, stripe_tokens, tiers

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class Progress(NamedTuple):
    """The steps that were done at least once, and are still so."""

    has_tier: bool
    has_customer: bool
    has_key: bool
    takes_payments: bool
    is_live: bool


async def of_project(connection: AsyncConnection, project_id: str) -> Progress:
    """Return a project's progress."""
    here = projects.alias("here")
    live = projects.alias("live")
    query = select(
        exists().where(tiers.c.project_id == project_id),
        exists().where(end_users.c.project_id == project_id, end_users.c.deleted_at.is_(None)),
        exists().where(
            api_keys.c.project_id == project_id, api_keys.c.kind == KeyKind.CUSTOMER.value
        ),
        exists().where(
            here.c.id == project_id,
            stripe_tokens.c.platform_id == here.c.platform_id,
            stripe_tokens.c.mode == here.c.mode,
            stripe_tokens.c.charges == literal(value=True),
        ),
        exists().where(live.c.promoted_from == project_id, live.c.deleted_at.is_(None)),
    )
    return Progress(*map(bool, (await connection.execute(query)).one()))

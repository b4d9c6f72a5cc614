"""Queries about ways to the payment provider and back, on which a developer connects an account."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert

from dream_gateway.model import Mode
from dream_gateway.records.billing_schema import connect_states

if TYPE_CHECKING:
    from dream_gateway.records.database import Writer


class Way(NamedTuple):
    """Who went to connect which account; `return_url` is where they go on to, empty for nowhere."""

    platform_id: str
    developer_id: str
    mode: Mode
    return_url: str


async def begin(writer: Writer, state: str, way: Way, seconds: float) -> None:
    """Note a way that is open for so long; those that are over are forgotten."""
    run = writer.connection.execute
    await run(delete(connect_states).where(connect_states.c.expires_at <= writer.now))
    row = {**way._asdict(), "digest": _digest(state), "expires_at": writer.now + seconds}
    await run(insert(connect_states).values(row))


async def end(writer: Writer, state: str) -> Way | None:
    """Return the way that ends here, once; `None` if there is none that is open."""
    query = (
        delete(connect_states)
        .where(connect_states.c.digest == _digest(state))
        .returning(*(connect_states.c[name] for name in Way._fields), connect_states.c.expires_at)
    )
    row = (await writer.connection.execute(query)).first()
    if row is None or row.expires_at <= writer.now:
        return None
    return Way(row.platform_id, row.developer_id, Mode(row.mode), row.return_url)


def _digest(state: str) -> bytes:
    return sha256(state.encode("utf-8", "surrogateescape")).digest()

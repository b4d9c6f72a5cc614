"""Sessions of browsers: an opaque secret in a cookie, of which only the digest is stored.

A session ends at its absolute end, after a time without use, when it is revoked, or with its account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from dream_gateway_local import secret
from dream_gateway_local.accounts import Account, account_of
from dream_gateway_local.tables import accounts, sessions

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.facilities import Writing

TOUCH_SECONDS = 60.0
"""How old the note of a session's last use may become: not every request is a write."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that holds. `is_due` is whether its use should be noted."""

    digest: bytes
    account: Account
    is_due: bool


async def begin(writer: Writing, account_id: str, lasts: float) -> str:
    """Begin a session of at most `lasts` seconds; return its secret. What has ended is swept out."""
    token = secret.mint()
    run = writer.connection.execute
    await run(delete(sessions).where(sessions.c.expires_at <= writer.now))
    await run(
        insert(sessions).values(
            digest=secret.digest(token),
            account_id=account_id,
            created_at=writer.now,
            seen_at=writer.now,
            expires_at=writer.now + lasts,
        )
    )
    return token


async def find(
    connection: AsyncConnection, token: str, *, realm: str, now: float, idle: float
) -> Session | None:
    """Return the session of a secret, if it holds and is of this realm."""
    query = (
        select(sessions.c.digest, sessions.c.seen_at, accounts)
        .join_from(sessions, accounts)
        .where(
            sessions.c.digest == secret.digest(token),
            sessions.c.expires_at > now,
            sessions.c.seen_at > now - idle,
            accounts.c.realm == realm,
        )
    )
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    return Session(row["digest"], account_of(row), row["seen_at"] <= now - TOUCH_SECONDS)


async def touch(writer: Writing, session: Session) -> None:
    """Note that a session is used."""
    here = sessions.c.digest == session.digest
    await writer.connection.execute(update(sessions).where(here).values(seen_at=writer.now))


async def end(writer: Writing, token: str) -> None:
    """Revoke the session of a secret; one that is not there is no error."""
    here = sessions.c.digest == secret.digest(token)
    await writer.connection.execute(delete(sessions).where(here))


async def end_all(writer: Writing, account_id: str, but: bytes | None = None) -> None:
    """Revoke every session of an account, but the one with a digest."""
    here = sessions.c.account_id == account_id
    if but is not None:
        here &= sessions.c.digest != but
    await writer.connection.execute(delete(sessions).where(here))

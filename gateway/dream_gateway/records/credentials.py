"""Queries about keys. Only digests are stored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, or_, select, update

from dream_gateway import keys
from dream_gateway.model import Credential, KeyKind, KeyStatus
from dream_gateway.records import messages
from dream_gateway.records.audit import difference
from dream_gateway.records.rows import credential_of, plain
from dream_gateway.records.schema import api_keys
from dream_gateway.storage import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Mode
    from dream_gateway.records.database import Writer


PUBLIC = ("name", "scopes", "status", "expires_at", "allowed_ips", "rate")
"""The fields whose values the audit log shows."""


async def by_digest(connection: AsyncConnection, digest: bytes) -> Credential | None:
    """Return the key that has this digest, whatever its status."""
    query = select(api_keys).where(api_keys.c.digest == digest)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else credential_of(row)


async def by_id(connection: AsyncConnection, key_id: str) -> Credential | None:
    """Return a key by id, a revoked one too."""
    query = select(api_keys).where(api_keys.c.id == key_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else credential_of(row)


async def of_customer(
    connection: AsyncConnection,
    customer_id: str,
    after: str | None,
    limit: int | None,
    *,
    newest: bool = False,
) -> list[Credential]:
    """Return at most `limit` of a customer's keys from the one after `after`.

    The oldest come first, or the newest.
    """
    query = select(api_keys).where(api_keys.c.customer_id == customer_id)
    return await _paged(connection, query, after, limit, newest=newest)


async def of_project(
    connection: AsyncConnection,
    project_id: str,
    kinds: Sequence[KeyKind],
    after: str | None,
    limit: int | None,
    *,
    newest: bool = False,
) -> list[Credential]:
    """Return at most `limit` keys of these kinds from the one after `after`.

    The oldest come first, or the newest.
    """
    query = select(api_keys).where(
        api_keys.c.project_id == project_id, api_keys.c.kind.in_([kind.value for kind in kinds])
    )
    return await _paged(connection, query, after, limit, newest=newest)


async def mint(
    writer: Writer, mode: Mode, template: Credential, secret: str | None = None
) -> tuple[Credential, str]:
    """Store a new key with the template's values under a new id; return it and its secret."""
    secret = secret or keys.mint(template.kind, mode)
    known = replace(template, prefix=keys.prefix_of(secret), last4=keys.last4_of(secret))
    return await adopt(writer, known, keys.digest(secret)), secret


async def adopt(writer: Writer, template: Credential, digest: bytes) -> Credential:
    """Store a key whose secret somebody else has, by its SHA-256 digest, under a new id.

    Raises `ConflictError` where the key is there already: see `Records.write`.
    """
    credential = replace(
        template,
        id=keys.mint_id("key"),
        created_at=writer.now,
        status=KeyStatus.ACTIVE,
        last_used_at=None,
    )
    row = {**_row(credential), "digest": digest}
    await writer.connection.execute(insert(api_keys).values(row))
    await writer.changed(
        Subject.CREDENTIAL,
        credential.id,
        "key.create",
        {"after": {name: row[name] for name in ("kind", "last4", "customer_id", *PUBLIC)}},
        project=credential.project_id,
    )
    return credential


async def change(writer: Writer, credential: Credential, action: str = "key.update") -> None:
    """Store a key's new values."""
    row, run = _row(credential), writer.connection.execute
    here = api_keys.c.id == credential.id
    before = (await run(select(api_keys).where(here))).mappings().first()
    await run(update(api_keys).where(here).values(row))
    details = difference(before, row, PUBLIC)
    project = credential.project_id
    await writer.changed(Subject.CREDENTIAL, credential.id, action, details, project=project)


async def used(writer: Writer, uses: Mapping[str, float]) -> None:
    """Note when keys were used, by id; a later use that is known stays. Nobody is told."""
    last = api_keys.c.last_used_at
    is_later = or_(last.is_(None), last < bindparam("at"))
    query = update(api_keys).where(api_keys.c.id == bindparam("key"), is_later)
    rows = [{"key": key, "at": at} for key, at in sorted(uses.items())]
    await writer.connection.execute(query.values(last_used_at=bindparam("at")), rows)


async def revoke(writer: Writer, credential: Credential) -> Credential:
    """Revoke a key for good; a repeat changes nothing, and is announced all the same."""
    revoked = replace(credential, status=KeyStatus.REVOKED)
    await change(writer, revoked, "key.revoke")
    if credential.status is not KeyStatus.REVOKED:
        await messages.key_revoked(writer, revoked)
    return revoked


async def rotate(
    writer: Writer, mode: Mode, credential: Credential, grace_seconds: int
) -> tuple[Credential, str]:
    """Make a key to take this one's place, which works for `grace_seconds` more."""
    end = writer.now + grace_seconds
    if credential.expires_at is not None:
        end = min(end, credential.expires_at)
    old = replace(credential, expires_at=end)
    if grace_seconds <= 0:
        await revoke(writer, credential)
    else:
        await change(writer, old, "key.rotate")
    return await mint(writer, mode, credential)


def template(project_id: str, kind: KeyKind, now: float) -> Credential:
    """Return a key to mint from, with nothing chosen yet."""
    return Credential(id="", kind=kind, project_id=project_id, prefix="", last4="", created_at=now)


async def _paged(
    connection: AsyncConnection,
    query: Select[tuple[object, ...]],
    after: str | None,
    limit: int | None,
    *,
    newest: bool,
) -> list[Credential]:
    place = api_keys.c.position
    if after is not None:
        start = select(place).where(api_keys.c.id == after).scalar_subquery()
        query = query.where(place < start if newest else place > start)
    query = query.order_by(place.desc() if newest else place).limit(limit)
    return [credential_of(row) for row in (await connection.execute(query)).mappings()]


def _row(credential: Credential) -> dict[str, object]:
    return {
        "id": credential.id,
        "kind": credential.kind.value,
        "project_id": credential.project_id,
        "customer_id": credential.customer_id,
        "prefix": credential.prefix,
        "last4": credential.last4,
        "name": credential.name,
        "scopes": list(credential.scopes),
        "status": credential.status.value,
        "expires_at": credential.expires_at,
        "allowed_ips": list(credential.allowed_ips),
        "rate": None if credential.rate is None else plain(credential.rate),
        "metadata": credential.metadata,
        "created_at": credential.created_at,
    }

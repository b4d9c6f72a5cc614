"""The key that signs forms, one for all workers, sealed in the records."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from dream_gateway_local.tables import signing_keys

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.facilities import Facilities

ID = "forms"
KEY_BYTES = 32
CONTEXT = f"local_signing_keys.sealed:{ID}"


async def form_key(lent: Facilities) -> bytes:
    """Return the key; whoever starts first makes it."""
    async with lent.read() as connection:
        sealed = await _sealed(connection)
    if sealed is None:
        async with lent.write("local") as writer:
            sealed = await _sealed(writer.connection)
            if sealed is None:
                sealed = lent.vault.seal(secrets.token_bytes(KEY_BYTES), CONTEXT)
                row = {"id": ID, "use": ID, "sealed": sealed, "created_at": writer.now}
                await writer.connection.execute(insert(signing_keys).values(row))
    return lent.vault.open(sealed, CONTEXT)


async def _sealed(connection: AsyncConnection) -> bytes | None:
    query = select(signing_keys.c.sealed).where(signing_keys.c.id == ID)
    return (await connection.execute(query)).scalar()

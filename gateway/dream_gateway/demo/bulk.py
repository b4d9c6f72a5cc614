"""Many rows at once, in statements that no database gives up on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection

ROWS_AT_ONCE = 2_000


async def insert_all(
    connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]
) -> None:
    """Insert rows, however many, all with the same columns."""
    for at in range(0, len(rows), ROWS_AT_ONCE):
        await connection.execute(insert(table), rows[at : at + ROWS_AT_ONCE])

"""The sealed columns of the records, and their resealing when the encryption key is changed.

A column is sealed row by row, each value for its own place: see `context`. A new sealed column is a
new line in `SEALED`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, LargeBinary, MetaData, String, Table, select, update

from dream_gateway.errors import EncryptionKeyMissingError, SealBrokenError
from dream_gateway.records.billing_schema import webhook_endpoints
from dream_gateway.records.schema import stripe_tokens
from dream_gateway.vault import key_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from dream_gateway.model import Actor
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.vault import Vault

BATCH = 100
"""Rows resealed in one transaction, so that nobody else waits long for theirs."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column whose values are sealed, or null; `id` is the column that tells its rows apart."""

    column: Column[Any]
    id: Column[str]

    @property
    def name(self) -> str:
        """The table's and the column's name, such as `stripe_tokens.access_token`."""
        return f"{self.column.table.name}.{self.column.name}"

    def context(self, row_id: str) -> str:
        """Return what a value of a row is sealed for."""
        return f"{self.name}:{row_id}"


ACCESS_TOKEN = SealedColumn(stripe_tokens.c.access_token, stripe_tokens.c.id)
REFRESH_TOKEN = SealedColumn(stripe_tokens.c.refresh_token, stripe_tokens.c.id)

_LOCAL = Table(
    "local_signing_keys",
    MetaData(),
    Column("id", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""What the records' migrations make for the plugin `local`, as far as it matters here."""

SIGNING_KEY = SealedColumn(_LOCAL.c.sealed, _LOCAL.c.id)

WEBHOOK_SECRET = SealedColumn(webhook_endpoints.c.secret, webhook_endpoints.c.id)
PREVIOUS_WEBHOOK_SECRET = SealedColumn(webhook_endpoints.c.previous_secret, webhook_endpoints.c.id)

SEALED = (ACCESS_TOKEN, REFRESH_TOKEN, SIGNING_KEY, WEBHOOK_SECRET, PREVIOUS_WEBHOOK_SECRET)
"""Every sealed column there is."""


@dataclass(slots=True)
class Resealing:
    """What became of sealed values: how many of each column were resealed or were current.

    `unreadable` says of each value that could not be opened where it is and why.
    """

    resealed: Counter[str] = field(default_factory=Counter)
    current: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)


async def reseal(
    records: Records,
    vault: Vault,
    actor: Actor | str,
    columns: Sequence[SealedColumn] = SEALED,
    batch: int = BATCH,
) -> Resealing:
    """Seal with the vault's newest key what was sealed with another; audited.

    Works in batches, each a transaction of its own: what is done stays done, and another run goes on
    from there. A value that cannot be opened is left as it is, and told.
    """
    done = Resealing()
    for column in columns:
        after, more = "", True
        while more:
            async with records.write(actor) as writer:
                query = _stored(column).where(column.id > after).limit(batch)
                rows = (await writer.connection.execute(query)).all()
                await _reseal_rows(writer, vault, column, rows, done)
            more = len(rows) == batch
            after = rows[-1][0] if rows else after
    return done


async def census(
    connection: AsyncConnection, columns: Sequence[SealedColumn] = SEALED
) -> dict[str, Counter[str]]:
    """Return for each column how many values are sealed with which key, by the key's id."""
    found: dict[str, Counter[str]] = {}
    for column in columns:
        counts = found.setdefault(column.name, Counter())
        for row in await connection.execute(_stored(column)):
            counts[key_id_of(row[1])] += 1
    return found


async def _reseal_rows(
    writer: Writer,
    vault: Vault,
    column: SealedColumn,
    rows: Sequence[Any],
    done: Resealing,
) -> None:
    resealed = 0
    for row_id, sealed in rows:
        if vault.is_current(sealed):
            done.current[column.name] += 1
            continue
        context = column.context(row_id)
        try:
            plaintext = vault.open(sealed, context)
        except (EncryptionKeyMissingError, SealBrokenError) as exc:
            done.unreadable.append(f"{context}: {exc.detail}")
            continue
        value = {column.column.name: vault.seal(plaintext, context)}
        await writer.connection.execute(
            update(column.column.table).where(column.id == row_id).values(value)
        )
        resealed += 1
    if resealed:
        done.resealed[column.name] += resealed
        await writer.audit("secrets.reseal", column.name, {"rows": resealed})


def _stored(column: SealedColumn) -> Select[Any]:
    return select(column.id, column.column).where(column.column.is_not(None)).order_by(column.id)

"""Sealed columns on each engine: resealed in batches, by whoever goes on where another stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from dream_gateway.administration import Administration
from dream_gateway.command_stores import open_records
from dream_gateway.encryption_keys import mint_key
from dream_gateway.errors import SealBrokenError
from dream_gateway.records.audit import Wanted
from dream_gateway.records.schema import metadata, platforms, stripe_tokens
from dream_gateway.records.sealed import ACCESS_TOKEN, REFRESH_TOKEN, SEALED, census, reseal
from dream_gateway.settings import Settings
from dream_gateway.vault import Vault
from dream_gateway_local.tables import metadata as local

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.records.database import Records

OLD, NEW = mint_key(), mint_key()
COUNT = 5


@pytest.fixture
async def records(store: str) -> AsyncIterator[Records]:
    """Records with tokens that the old key sealed, every second without one to refresh."""
    async with open_records(Settings(store=store)) as opened:
        vault = Vault([OLD])
        async with opened.write("test") as writer:
            for number in range(COUNT):
                owner, token = f"plt_{number}", f"stk_{number}"
                row = {"id": owner, "name": "a", "suspended": False, "created_at": 0.0}
                await writer.connection.execute(insert(platforms).values(row))
                access, refresh = (c.context(token) for c in (ACCESS_TOKEN, REFRESH_TOKEN))
                row = {
                    "id": token,
                    "platform_id": owner,
                    "mode": "test",
                    "account_id": f"acct_{number}",
                    "access_token": vault.seal(b"access %d" % number, access),
                    "refresh_token": vault.seal(b"refresh", refresh) if number % 2 else None,
                    "created_at": 0.0,
                }
                await writer.connection.execute(insert(stripe_tokens).values(row))
        yield opened


async def opened_with(records: Records, keys: list[str]) -> list[bytes]:
    vault = Vault(keys)
    async with records.read() as connection:
        rows = await connection.execute(select(stripe_tokens).order_by(stripe_tokens.c.id))
        return [vault.open(row.access_token, ACCESS_TOKEN.context(row.id)) for row in rows.all()]


@pytest.mark.parametrize("batch", [1, 2, COUNT, 100])
async def test_everything_is_resealed_once(records: Records, batch: int) -> None:
    vault = Vault([NEW, OLD])
    done = await reseal(records, vault, "operator", batch=batch)
    assert done.resealed == {ACCESS_TOKEN.name: COUNT, REFRESH_TOKEN.name: COUNT // 2}
    assert (done.current.total(), done.unreadable) == (0, [])
    assert await opened_with(records, [NEW]) == [b"access %d" % n for n in range(COUNT)]
    again = await reseal(records, Vault([NEW]), "operator", batch=batch)
    assert (again.resealed.total(), again.current) == (0, done.resealed)


class Stopped(Vault):
    """A vault whose process ends after some values."""

    left = 3

    def seal(self, plaintext: bytes, context: str) -> bytes:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return super().seal(plaintext, context)


async def test_one_that_was_stopped_goes_on_where_it_was(records: Records) -> None:
    with pytest.raises(KeyboardInterrupt):
        await reseal(records, Stopped([NEW, OLD]), "operator", batch=2)
    async with records.read() as connection:
        counts = (await census(connection))[ACCESS_TOKEN.name]
    # The third was in a batch that was undone.
    assert sorted(counts.values()) == [2, COUNT - 2]
    done = await reseal(records, Vault([NEW, OLD]), "operator", batch=2)
    assert done.current[ACCESS_TOKEN.name] == 2
    assert await opened_with(records, [NEW]) == [b"access %d" % n for n in range(COUNT)]


async def test_what_no_key_opens_is_named_left_alone_and_stops_nothing(records: Records) -> None:
    async with records.write("test") as writer:
        moved = select(stripe_tokens.c.access_token).where(stripe_tokens.c.id == "stk_2")
        table = stripe_tokens.update().where(stripe_tokens.c.id == "stk_1")
        await writer.connection.execute(table.values(access_token=moved.scalar_subquery()))
    done = await reseal(records, Vault([NEW, OLD]), "operator")
    (fault,) = done.unreadable
    assert fault == f"stripe_tokens.access_token:stk_1: {SealBrokenError.title}"
    assert done.resealed[ACCESS_TOKEN.name] == COUNT - 1
    lost = await reseal(records, Vault([mint_key()]), "operator")
    assert len(lost.unreadable) == COUNT + COUNT // 2
    newest = Vault([NEW]).newest_id
    assert (
        sum(f"with the key {newest}" in each for each in lost.unreadable)
        == len(lost.unreadable) - 1
    )
    async with records.read() as connection:
        assert (await census(connection))[REFRESH_TOKEN.name] == {newest: COUNT // 2}


async def test_resealing_is_audited_without_what_was_sealed(records: Records) -> None:
    await reseal(records, Vault([NEW, OLD]), "operator", batch=3)
    administration = Administration(records)
    found = await administration.audit(Wanted(action="secrets"), None, 10)
    assert [(entry.object, entry.details) for entry in found] == [
        (REFRESH_TOKEN.name, {"rows": COUNT // 2}),
        (ACCESS_TOKEN.name, {"rows": 2}),
        (ACCESS_TOKEN.name, {"rows": 3}),
    ]


async def test_no_secret_can_be_read_in_the_table(records: Records) -> None:
    async with records.read() as connection:
        found = repr((await connection.execute(select(stripe_tokens))).all())
    assert "acct_1" in found
    assert "access 1" not in found


def test_every_column_that_is_declared_sealed_can_hold_what_is_sealed() -> None:
    for column in SEALED:
        table = (metadata.tables | local.tables)[column.column.table.name]
        assert table.c[column.column.name].type.python_type is bytes
        assert table.c[column.id.name].unique or table.c[column.id.name].primary_key

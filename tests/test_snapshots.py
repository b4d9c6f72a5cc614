"""Backups taken while a gateway admits, and what is left of a limit after they are put back."""

from __future__ import annotations

import asyncio
import operator
import os
import sqlite3
import stat
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.waiting import eventually

from dream_gateway.administration import Administration
from dream_gateway.errors import ConfigurationError, SchemaTooNewError, StoreCorruptError
from dream_gateway.gateway import Gateway
from dream_gateway.journal import boot_id, noted
from dream_gateway.model import Mode
from dream_gateway.settings import Settings
from dream_gateway.snapshots import back_up, restore
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dream_gateway.model import Project

LIMIT = 20_000
TIER = f"free={LIMIT}/month@100000/s"

pytestmark = pytest.mark.usefixtures("database")


def settings(folder: Path, name: str = "dream.db") -> Settings:
    return Settings(store=f"sqlite:///{folder / name}")


@asynccontextmanager
async def started(chosen: Settings) -> AsyncIterator[Gateway]:
    gateway = Gateway(chosen)
    try:
        await gateway.start()
        yield gateway
    finally:
        await gateway.close()


async def customer(gateway: Gateway) -> tuple[Project, str]:
    """Make a project with one customer; return the customer's key, too."""
    administration = Administration(gateway.records)
    made = await administration.create_platform("shop", Mode.TEST, [parse_tier(TIER)], [])
    await administration.create_customer(made.project.id, "ada", None)
    return made.project, (await administration.create_key(made.project.id, "ada")).secret


async def used(gateway: Gateway, project: Project) -> int:
    usage = (await gateway.admission.usage(project, "ada")).usage
    assert usage is not None
    return int(usage.used)


async def exhaust(gateway: Gateway, key: str) -> int:
    """Spend until nothing is left; return how much that was."""
    spent = 0
    for cost in (500, 50, 5, 1):
        while (await gateway.admission.key(key, cost)).allowed:
            spent += cost
    return spent


async def test_a_backup_under_load_has_all_that_was_admitted_before_it(tmp_path: Path) -> None:
    admitted = 0

    async def load(gateway: Gateway, key: str) -> None:
        nonlocal admitted
        while True:
            admitted += (await gateway.admission.key(key, 1)).allowed
            if admitted % 20 == 0:
                await asyncio.sleep(0)

    found: list[tuple[int, int, int, Any]] = []
    async with started(settings(tmp_path)) as gateway:
        project, key = await customer(gateway)
        loading = asyncio.create_task(load(gateway, key))
        for number in range(3):
            enough = (number + 1) * 300
            await eventually(lambda: admitted, "under load", holds=partial(operator.le, enough))
            before = admitted
            told = await back_up(settings(tmp_path), tmp_path / f"backup{number}")
            found.append((number, before, admitted, told))
        loading.cancel()
        with suppress(asyncio.CancelledError):
            await loading
    for number, before, after, told in found:
        path = tmp_path / f"backup{number}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        place = settings(tmp_path, f"restored{number}.db")
        assert (await restore(place, path, replace=False))["leases"] == 0
        async with started(place) as again:
            counted = await used(again, project)
            assert before <= counted
            # A lease whose end met the backup counts in full; all others by their notes.
            assert counted <= after or told["countedInFull"]
            assert await exhaust(again, key) == LIMIT - counted


async def test_what_is_out_on_lease_counts_as_its_journal_says(tmp_path: Path) -> None:
    async with started(settings(tmp_path)) as gateway:
        project, key = await customer(gateway)
        for _ in range(40):
            assert (await gateway.admission.key(key, 7)).allowed
        told = await back_up(settings(tmp_path), tmp_path / "backup")
        assert told["leases"]
        assert told["countedInFull"] == 0
    await restore(settings(tmp_path, "new.db"), tmp_path / "backup", replace=False)
    async with started(settings(tmp_path, "new.db")) as again:
        assert await used(again, project) == 40 * 7


async def test_leases_of_a_plain_copy_count_in_full(tmp_path: Path) -> None:
    async with started(settings(tmp_path)) as gateway:
        project, key = await customer(gateway)
        assert (await gateway.admission.key(key, 7)).allowed
        with (
            closing(sqlite3.connect(tmp_path / "dream.db")) as one,
            closing(sqlite3.connect(tmp_path / "copy")) as other,
        ):
            one.backup(other)
    told = await restore(settings(tmp_path, "new.db"), tmp_path / "copy", replace=False)
    assert told["countedInFull"] == told["leases"] != 0
    async with started(settings(tmp_path, "new.db")) as again:
        assert await used(again, project) >= 7


async def test_a_worker_that_died_after_the_backup_gives_nothing_back(tmp_path: Path) -> None:
    gateway = Gateway(settings(tmp_path))
    await gateway.start()
    project, key = await customer(gateway)
    assert (await gateway.admission.key(key, 70)).allowed
    await back_up(settings(tmp_path), tmp_path / "backup")
    # Its journal is left as one that was killed leaves it: with a lease, and a lock nobody holds.
    journals = list((tmp_path / "dream.db.journal").glob("*.journal"))
    remains = {path: path.read_bytes() for path in journals}
    assert noted(tmp_path / "dream.db.journal", *await _owner(gateway))
    await gateway.close()
    for path, content in remains.items():
        path.write_bytes(content)
    told = await restore(settings(tmp_path), tmp_path / "backup", replace=True)
    assert (tmp_path / "dream.db.before-restore-1").exists()
    assert told["kept"] == str(tmp_path / "dream.db.before-restore-1")
    async with started(settings(tmp_path)) as again:
        assert not [path for path in journals if path.exists()]
        assert await used(again, project) == 70
        assert await exhaust(again, key) == LIMIT - 70


async def _owner(gateway: Gateway) -> tuple[str, str]:
    return await gateway.stores.ledger().identity(), boot_id()


async def test_a_store_that_is_used_or_there_is_not_replaced(tmp_path: Path) -> None:
    async with started(settings(tmp_path)):
        await back_up(settings(tmp_path), tmp_path / "backup")
        with pytest.raises(ConfigurationError, match="Workers run"):
            await restore(settings(tmp_path), tmp_path / "backup", replace=True)
    with pytest.raises(ConfigurationError, match="--replace"):
        await restore(settings(tmp_path), tmp_path / "backup", replace=False)
    with pytest.raises(ConfigurationError, match="already"):
        await back_up(settings(tmp_path), tmp_path / "backup")


async def test_a_log_that_lies_there_is_not_applied_to_what_was_restored(tmp_path: Path) -> None:
    async with started(settings(tmp_path)):
        await back_up(settings(tmp_path), tmp_path / "backup")
    log = tmp_path / "dream.db-wal"
    (tmp_path / "dream.db").unlink()
    log.write_bytes(b"of another life")
    await restore(settings(tmp_path), tmp_path / "backup", replace=True)
    assert not log.exists()
    assert (tmp_path / "dream.db.before-restore-1-wal").exists()


@pytest.mark.parametrize("content", ["nonsense", "empty", "newer", "missing"])
async def test_what_is_no_backup_leaves_the_store_as_it_is(tmp_path: Path, content: str) -> None:
    async with started(settings(tmp_path)) as gateway:
        project, _ = await customer(gateway)
        bad = tmp_path / "bad"
        if content == "newer":
            await back_up(settings(tmp_path), bad)
    if content == "nonsense":
        bad.write_bytes(b"no database" * 1000)
    elif content == "empty":
        sqlite3.connect(bad).close()
        bad.touch()
    elif content == "newer":
        with closing(sqlite3.connect(bad)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
            connection.execute("UPDATE schema_readers SET oldest = '9998'")
    with pytest.raises((ConfigurationError, StoreCorruptError, SchemaTooNewError)) as caught:
        await restore(settings(tmp_path), bad, replace=True)
    assert (str(bad) in caught.value.detail) == (content != "newer")
    assert "unfinished" not in caught.value.detail
    assert not [name for name in os.listdir(tmp_path) if "unfinished" in name]
    async with started(settings(tmp_path)) as gateway:
        assert await used(gateway, project) == 0


@pytest.mark.parametrize(
    "chosen",
    [
        Settings(store="postgres://localhost/db"),
        Settings(store="memory://"),
        Settings(store="sqlite:///dream.db", ledger="valkey://localhost"),
    ],
)
async def test_other_stores_are_told_their_own_tools(tmp_path: Path, chosen: Settings) -> None:
    with pytest.raises(ConfigurationError, match="pg_dump --format=custom"):
        await back_up(chosen, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()

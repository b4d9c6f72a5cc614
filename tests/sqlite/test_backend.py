from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from dream_gateway.errors import ConfigurationError, SchemaTooNewError, StoreUnavailableError
from dream_gateway.storage import Claim, Quota, Role
from dream_gateway.testing import FakeClock
from dream_gateway_sqlite import open_backend

if TYPE_CHECKING:
    from pathlib import Path

    from dream_gateway.storage import Backend


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:", "sqlite://", "sqlite:///", "sqlite://host/file.db", "sqlite:///:memory:",
        "sqlite:///f.db?durability=never", "sqlite:///f.db?speed=high", "sqlite:///f.db?x",
        "sqlite:///f.db#part", "sqlite:///a%00b", "postgres:///f.db", "sqlite://[::1/f.db",
    ],
)  # fmt: skip
def test_a_wrong_url_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_backend(url, FakeClock())


async def test_a_relative_path_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    backend = open_backend("sqlite:///some%20where.db?durability=power", FakeClock())
    await backend.start()
    await backend.close()
    await backend.close()
    assert (tmp_path / "some where.db").exists()
    assert backend.journal_dir() == f"{tmp_path}/some where.db.journal"


@pytest.mark.parametrize("name", ["100%.db", "what?.db", "a#b.db"])
async def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    quoted = name.replace("%", "%25").replace("?", "%3F").replace("#", "%23")
    backend = open_backend(f"sqlite:///{tmp_path}/{quoted}", FakeClock())
    await backend.start()
    await backend.close()
    assert (tmp_path / name).exists()


async def test_it_offers_all_but_a_cache_to_several_processes(backend: Backend) -> None:
    assert backend.roles == {Role.RECORDS, Role.LEDGER, Role.FEED}
    assert backend.shareable
    with pytest.raises(ConfigurationError):
        backend.kv()


async def test_a_closed_store_is_unavailable(backend: Backend) -> None:
    follower = aiter(backend.feed().follow())
    await anext(follower)
    await backend.close()
    with pytest.raises(StoreUnavailableError):
        await backend.ledger().usage(["q"])
    with pytest.raises(StoreUnavailableError):
        await anext(follower)


async def test_closing_commits_what_is_queued(path: Path, backend: Backend) -> None:
    claim = Claim("a", "q", Quota(10), 4, 4)
    taking = asyncio.ensure_future(backend.ledger().take([claim]))
    await asyncio.sleep(0)
    await backend.close()
    assert (await taking)[0].granted == 4
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT out FROM ledger_counters").fetchall() == [(4,)]


async def test_the_data_and_the_identity_survive(path: Path, backend: Backend) -> None:
    name = await backend.ledger().identity()
    await backend.ledger().take([Claim("a", "q", Quota(10), 4, 4)])
    await backend.close()
    again = open_backend(f"sqlite:///{path}", FakeClock(monotonic=5.0))
    await again.start()
    assert await again.ledger().identity() == name
    assert (await again.ledger().usage(["q"]))[0].out == 4
    await again.close()


async def test_a_newer_ledger_is_refused(path: Path, backend: Backend) -> None:
    await backend.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE ledger_identity SET version = version + 1")
    with pytest.raises(SchemaTooNewError):
        await open_backend(f"sqlite:///{path}", FakeClock()).start()


async def test_a_bad_neighbour_in_a_group_harms_nobody(backend: Backend) -> None:
    ledger = backend.ledger()
    good = [Claim(f"g{n}", "q", Quota(None), 1, 1) for n in range(20)]
    bad = [Claim("huge", "q", Quota(None), 2**70, 1), Claim("\ud800", "q", Quota(9), 1, 1)]
    answers = await asyncio.gather(
        *(ledger.take([claim]) for claim in good[:10] + bad + good[10:]), return_exceptions=True
    )
    failed = [getattr(answer, "code", None) for answer in answers[10:12]]
    assert failed == ["invalid_request", "invalid_request"]
    assert [tally.out for tally in await ledger.usage(["q"])] == [20]


async def test_transactions_on_the_records_are_real(backend: Backend) -> None:
    engine = backend.records_engine()
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE t (n INTEGER)"))
        await connection.execute(text("INSERT INTO t VALUES (0)"))
    async with engine.connect() as connection:
        await connection.execute(text("CREATE TABLE undone (n INTEGER)"))
        await connection.rollback()

    async def add() -> None:
        async with engine.begin() as connection:
            value = (await connection.execute(text("SELECT n FROM t"))).scalar_one()
            await connection.execute(text("UPDATE t SET n = :n"), {"n": value + 1})

    await asyncio.gather(*(add() for _ in range(10)))
    reader = engine.execution_options(read_only=True)
    async with engine.begin() as writer:
        await writer.execute(text("UPDATE t SET n = 99"))
        async with reader.connect() as connection:
            assert (await connection.execute(text("SELECT n FROM t"))).scalar_one() == 10
            names = await connection.execute(text("SELECT name FROM sqlite_master"))
            assert "undone" not in names.scalars().all()


async def test_a_new_file_is_for_this_user_alone_and_an_old_one_as_it_was(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    old.touch()
    old.chmod(0o644)
    before = os.umask(0o022)
    try:
        for path, mode in ((new, 0o600), (old, 0o644)):
            backend = open_backend(f"sqlite:///{path}", FakeClock())
            await backend.start()
            for suffix in ("", "-wal", "-shm"):
                assert os.stat(f"{path}{suffix}").st_mode & 0o777 == mode
            await backend.close()
    finally:
        os.umask(before)

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.errors import StoreCorruptError, StoreUnavailableError
from dream_gateway.gcra import Rate
from dream_gateway.storage import Claim, Quota, Return, Tally
from dream_gateway.testing import FakeClock
from dream_gateway_sqlite import open_backend, writer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from dream_gateway.storage import Backend

    Run = Callable[[str], Awaitable[asyncio.subprocess.Process]]

LOCKER = """
import sqlite3, sys
connection = sqlite3.connect({path!r}, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""
COUNTER = """
import asyncio
from dream_gateway.clock import SystemClock
from dream_gateway.storage import Claim, Quota, Return
from dream_gateway_sqlite import open_backend

async def spend(ledger, name):
    for number in range(10**9):
        lease = f"{{name}}-{{number}}"
        await ledger.take([Claim(lease, "q", Quota(None), 1, 1)])
        await ledger.give_back([Return(lease, 1, 0)])
        print(lease, flush=True)

async def main():
    backend = open_backend("sqlite:///{path}", SystemClock())
    await backend.start()
    await asyncio.gather(*(spend(backend.ledger(), name) for name in "abcdefgh"))

asyncio.run(main())
"""
READ_ONLY = """
import asyncio, os
from dream_gateway.clock import SystemClock
from dream_gateway_sqlite import open_backend

async def main():
    backend = open_backend("sqlite:///{path}", SystemClock())
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        await backend.start()
    except Exception as error:
        print(error.code, error.detail)

asyncio.run(main())
"""
FULL = """
import asyncio, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from dream_gateway.clock import SystemClock
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.storage import Claim, Quota
from dream_gateway_sqlite import open_backend

async def main():
    backend = open_backend("sqlite:///{path}", SystemClock())
    await backend.start()
    ledger, took = backend.ledger(), 0
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    try:
        while took < 10**6:
            claims = [Claim(f"l{{took + n}}", "q", Quota(None), 1, 1) for n in range(200)]
            await ledger.take(claims)
            took += 200
    except StoreUnavailableError as error:
        print(error.code)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    (tally,) = await ledger.usage(["q"])
    print(took == tally.out, took > 0)
    (grant,) = await ledger.take([Claim("again", "q", Quota(None), 1, 1)])
    print(grant.granted)
    await backend.close()

asyncio.run(main())
"""


def claim(lease: str, wanted: int = 1) -> Claim:
    return Claim(lease, "q", Quota(100), wanted, wanted)


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def read(path: Path) -> bytes:
    return path.read_bytes()


def protect(path: Path, mode: int) -> None:
    path.chmod(mode & 0o666)
    path.parent.chmod(mode)


async def use(backend: Backend) -> None:
    await backend.start()
    await backend.ledger().take([claim("x")])


async def output(process: asyncio.subprocess.Process) -> list[str]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        out, errors = await process.communicate()
    assert not errors.decode()
    return out.decode().splitlines()


async def test_a_lock_of_another_process_is_waited_for(
    path: Path, backend: Backend, run_python: Run
) -> None:
    locker = await run_python(LOCKER.format(path=str(path)))
    assert locker.stdout is not None
    assert await locker.stdout.readline() == b"locked\n"
    taking = asyncio.ensure_future(backend.ledger().take([claim("a")]))
    done, _ = await asyncio.wait([taking], timeout=0.05)
    assert not done
    await locker.communicate(b"\n")
    assert (await taking)[0].granted == 1


async def test_a_lock_that_stays_is_an_unavailable_store_and_changes_nothing(
    path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LOCK_DEADLINE_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError) as caught:
            await backend.ledger().take([claim("a", 3)])
        assert "locked" in caught.value.detail
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        other.execute("ROLLBACK")
    assert await backend.ledger().usage(["q"]) == [Tally(0, 0)]
    assert (await backend.ledger().take([claim("a", 3)]))[0].granted == 3


@pytest.mark.parametrize("content", [b"not a database at all" * 1000, b"SQLite format 3\x00" * 900])
async def test_a_file_that_is_no_database_is_told_at_start(path: Path, content: bytes) -> None:
    write(path, content)
    with pytest.raises(StoreCorruptError):
        await open_backend(f"sqlite:///{path}", FakeClock()).start()
    assert read(path) == content


async def test_damage_while_running_is_an_unavailable_store(path: Path, backend: Backend) -> None:
    ledger = backend.ledger()
    for number in range(50):
        await ledger.take([claim(f"{number:0200d}") for number in range(number, number + 40)])
    await backend.close()
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    damaged = open_backend(f"sqlite:///{path}", FakeClock())
    with pytest.raises((StoreCorruptError, StoreUnavailableError)):
        await use(damaged)
    await damaged.close()


async def test_a_missing_folder_is_told_at_start(tmp_path: Path) -> None:
    backend = open_backend(f"sqlite:///{tmp_path}/none/dream.db", FakeClock())
    with pytest.raises(StoreUnavailableError) as caught:
        await backend.start()
    assert caught.value.detail == (
        f"The database file cannot be opened: {tmp_path}/none/dream.db: its folder does not exist."
    )
    (tmp_path / "none").mkdir()
    await backend.start()
    await backend.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder whose parents anyone may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


async def test_a_read_only_file_is_told(open_folder: Path, run_python: Run) -> None:
    path = open_folder / "dream.db"
    backend = open_backend(f"sqlite:///{path}", FakeClock())
    await backend.start()
    await backend.close()
    protect(path, 0o555)
    (line,) = await output(await run_python(READ_ONLY.format(path=path)))
    protect(path, 0o755)
    assert line.startswith("store_unavailable The database ")
    assert line.endswith(f": {path}: this user may not write into its folder.")


async def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    backend = open_backend(f"sqlite:///{tmp_path}", FakeClock())
    with pytest.raises(StoreUnavailableError, match=f": {tmp_path}: it is a folder"):
        await backend.start()


async def test_a_full_disk_fails_the_call_and_recovers(path: Path, run_python: Run) -> None:
    lines = await output(await run_python(FULL.format(path=path)))
    assert lines == ["store_unavailable", "True True", "1"]


async def test_kill_loses_nothing_that_was_answered(path: Path, run_python: Run) -> None:
    process = await run_python(COUNTER.format(path=path))
    assert process.stdout is not None
    answered = [await process.stdout.readline() for _ in range(500)]
    process.send_signal(signal.SIGKILL)
    rest, _ = await process.communicate()
    answered += [line for line in rest.splitlines(keepends=True) if line.endswith(b"\n")]
    backend = open_backend(f"sqlite:///{path}", FakeClock())
    await backend.start()
    (tally,) = await backend.ledger().usage(["q"])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        closed = connection.execute(
            "SELECT count(*), sum(closed_us IS NULL) FROM ledger_leases"
        ).fetchone()
    # Eight tasks: each may have one call whose answer it did not live to print.
    assert len(answered) <= tally.used <= len(answered) + 8
    assert closed == (tally.used + tally.out, tally.out)
    await backend.close()


async def test_after_a_reboot_rate_leases_count_as_spent(path: Path) -> None:
    rate = Rate(1, 1_000_000, 10)
    before = open_backend(f"sqlite:///{path}", FakeClock(monotonic=9_000.0))
    await before.start()
    await before.ledger().take([Claim("a", "r", rate, 10, 10)])
    await before.close()
    clock = FakeClock(monotonic=1.0)
    after = open_backend(f"sqlite:///{path}", clock)
    await after.start()
    ledger = after.ledger()
    assert (await ledger.take([Claim("b", "r", rate, 1, 1)]))[0].granted == 0
    await ledger.give_back([Return("a", 0, 0)])
    clock.advance(10)
    assert (await ledger.take([Claim("c", "r", rate, 10, 10)]))[0].granted == 10
    await after.close()


async def test_after_a_reboot_closed_leases_begin_their_hour_anew(path: Path) -> None:
    before = open_backend(f"sqlite:///{path}", FakeClock(monotonic=9_000.0))
    await before.start()
    await before.ledger().give_back([Return("ghost", None, 0)])
    await before.close()
    clock = FakeClock(monotonic=1.0)
    after = open_backend(f"sqlite:///{path}", clock)
    await after.start()
    assert await after.ledger().prune(0, 10) == 0
    clock.advance(3599)
    assert await after.ledger().prune(0, 10) == 0
    clock.advance(2)
    assert await after.ledger().prune(0, 10) == 1
    await after.close()

"""The journal: proof of death, exact returns, and what proves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dream_gateway import file_locks
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.journal import Journal, dead_journals
from dream_gateway.storage import Return

if TYPE_CHECKING:
    from pathlib import Path

OWNER = """
import os, signal, sys
from pathlib import Path
from dream_gateway.journal import Journal
journal = Journal(Path(sys.argv[1]), "ledger", sys.argv[2])
lease, slot = journal.open(3)
journal.cells[slot + 1] = 41
journal.open(1023)
print(journal.worker, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def dead(folder: Path, boot: str = "boot") -> str:
    """Leave the journal of a process that killed itself; return its worker id."""
    done = subprocess.run(
        [sys.executable, "-c", OWNER, str(folder), boot], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    return done.stdout.decode().strip()


def test_a_dead_owners_journal_tells_exactly_what_was_spent(tmp_path: Path) -> None:
    worker = dead(tmp_path)
    (found,) = dead_journals(tmp_path, "ledger", "boot")
    assert found.returns == (
        Return(f"{worker}-{1024 + 3:x}", 41, 3),
        Return(f"{worker}-{2048 + 1023:x}", 0, 1023),
    )
    found.remove()
    assert list(dead_journals(tmp_path, "ledger", "boot")) == []


def test_after_a_reboot_a_journal_proves_nothing_and_all_counts_as_spent(tmp_path: Path) -> None:
    worker = dead(tmp_path, "earlier")
    (found,) = dead_journals(tmp_path, "ledger", "boot")
    assert found.returns == (
        Return(f"{worker}-{1024 + 3:x}", None, 3),
        Return(f"{worker}-{2048 + 1023:x}", None, 1023),
    )
    found.release()


def test_a_living_owners_journal_is_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "ledger", "boot")
    journal.open(7)
    assert list(dead_journals(tmp_path, "ledger", "boot")) == []
    journal.close()
    assert len(list(dead_journals(tmp_path, "ledger", "boot"))) == 1


def test_a_journal_has_one_owner_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    real = os.posix_fallocate

    def overtaken(file: int, offset: int, length: int) -> None:
        real(file, offset, length)
        (unborn,) = tmp_path.glob("*.new")
        held.append(file_locks.hold(unborn))

    monkeypatch.setattr(os, "posix_fallocate", overtaken)
    with pytest.raises(StoreUnavailableError):
        Journal(tmp_path, "ledger", "boot")
    assert list(tmp_path.iterdir()) == []
    os.close(held.pop())


def test_another_ledgers_journal_and_torn_files_are_left_alone(tmp_path: Path) -> None:
    dead(tmp_path)
    (tmp_path / "torn.journal").write_bytes(b"dream")
    (tmp_path / "foreign.journal").write_bytes(os.urandom(4096))
    assert list(dead_journals(tmp_path, "other", "boot")) == []


def test_a_journal_without_open_leases_is_deleted_at_the_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "ledger", "boot")
    _, slot = journal.open(7)
    journal.free(slot)
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "journals"
    with pytest.raises(StoreUnavailableError, match=f"{folder}: Not a directory"):
        Journal(folder, "ledger", "boot")


def test_a_new_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        Journal(tmp_path / "journals", "ledger", "boot").close()
    finally:
        os.umask(before)
    assert (tmp_path / "journals").stat().st_mode & 0o777 == 0o700

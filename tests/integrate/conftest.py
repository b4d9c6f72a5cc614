"""A shop with an API behind a front proxy, and environments with the frameworks."""

from __future__ import annotations

import http.server
import json
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
from tests import once
from tests.integrate import projects
from tests.sdk import installed
from tests.servers.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
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
    return once.made(tmp_path_factory, "python", _install_python)


@pytest.fixture(scope="session")
def node_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `node_modules` have the frameworks."""
    return installed.consumer(tmp_path_factory)


def _install_python(home: Path) -> None:
    """Make the environment."""
    venv.create(home, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    paths = [sysconfig.get_path("purelib"), *(str(ROOT / source) for source in SOURCES)]
    (packages / "beside.pth").write_text("\n".join(paths))
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install"]
    command = [*pip, "--quiet", *projects.PYTHON, *projects.PROGRAMS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the frameworks cannot be installed: {done.stderr[-300:]}")

"""The guide's several machines, typed as it stands: each is an address of loopback, with a folder.

Only hosts and ports are others, and the stores are servers that tests have.
"""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from tests.docs.shell import ROOT, installing, libraries, typed
from tests.servers.ports import free_port
from tests.servers.postgres import own_server
from tests.servers.valkey import DURABLE, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

GUIDE = ROOT / "docs" / "guides" / "deploying.md"
BLOCK = re.compile(r"^```(?:sh|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NODES = {"node1": "127.0.0.2", "node2": "127.0.0.3"}
ENTER = "cd {folder}/{node}\n. .venv/bin/activate\n"
READY = "until curl -sfo /dev/null http://{address}:{port}/ready; do sleep 0.1; done\n"


class Upstream(BaseHTTPRequestHandler):
    """An API that has little to say."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hosts() -> Iterator[dict[str, str]]:
    """What the guide's hosts are here."""
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    counts = Server(*DURABLE)
    try:
        with own_server() as records:
            yield {
                "postgresql://gateway:secret@db.example.com/gateway": records.url,
                "valkey://valkey.example.com": counts.url,
                "http://127.0.0.1:3000": f"http://127.0.0.1:{upstream.server_port}",
                **{f"{node}.example.com": address for node, address in NODES.items()},
            }
    finally:
        counts.remove()
        upstream.shutdown()
        upstream.server_close()


def test_several_machines_share_a_limit(hosts: dict[str, str], tmp_path: Path) -> None:
    edge, service = free_port(), free_port()
    section = GUIDE.read_text().partition("\n## Several machines\n")[2].partition("\n## ")[0]
    for host, here in hosts.items():
        assert host in section
        section = section.replace(host, here)
    install, create, serve, ask, answers = BLOCK.findall(section.replace(":8080", f":{edge}"))
    install = installing(install, libraries(tmp_path / "libraries"))
    ports = f"export DREAM_GATEWAY_PORT={edge} DREAM_GATEWAY_SERVICE_PORT={service}\n"
    boxes = [ports]
    for node, address in NODES.items():
        folder = f"mkdir {tmp_path}/{node}\ncd {tmp_path}/{node}\n"
        boxes.append(folder + install.replace('"0.0.0.0"', f'"{address}"'))
    boxes.append(ENTER.format(folder=tmp_path, node="node1") + create)
    for node, address in NODES.items():
        begin = f"{serve.strip()} > log 2>&1 &\n" + READY.format(address=address, port=service)
        boxes.append(ENTER.format(folder=tmp_path, node=node) + begin)
    assert typed([*boxes, ask], tmp_path)[-1] == answers

"""The scripts of the guides on moving are run as they stand there, twice, and old keys go on working.

Kong and Unkey are pages of JSON on loopback, in the shapes of their documentation.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.servers.gateway import installation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

pytestmark = pytest.mark.long

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
ADAS, BOBS, DISABLED = (
    "K9v-adas-first-key-of-kong",
    "bobs.own.key.0123456789",
    "acme_disabledkey123",
)

KONG: dict[str, list[dict[str, Any]]] = {
    "/consumers": [
        {"id": "c-1", "username": "Ada", "custom_id": "ada"},
        {"id": "c-2", "username": "bob", "custom_id": None},
    ],
    "/key-auths": [
        {"id": "k-1", "key": ADAS, "consumer": {"id": "c-1"}},
        {"id": "k-2", "key": BOBS, "consumer": {"id": "c-2"}},
    ],
}
UNKEY: list[dict[str, Any]] = [
    {
        "keyId": "key_1",
        "start": "K9v",
        "enabled": True,
        "name": "first",
        "meta": {"team": "blue"},
        "permissions": ["read"],
        "expires": 4_102_444_800_000,
        "identity": {"id": "id_1", "externalId": "ada"},
        "plaintext": ADAS,
    },
    {"keyId": "key_2", "start": "bob", "enabled": True, "identity": None, "plaintext": BOBS},
    {"keyId": "key_3", "start": "acme_", "enabled": False, "plaintext": DISABLED},
    {"keyId": "key_4", "start": "lost", "enabled": True},
]


@dataclass
class Place:
    """A gateway that serves, and how to ask it."""

    edge: str
    service: str
    secret: str

    def move(self, guide: str, **more: str) -> str:
        """Run a guide's script; return what it prints."""
        (script,) = re.findall(r"```python\n(.*?)```", (GUIDES / guide).read_text(), re.DOTALL)
        where = {"GATEWAY_URL": self.service, "GATEWAY_SECRET_KEY": self.secret}
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, **where, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self, key: str) -> int:
        """Return how the edge answers a key."""
        return httpx.get(f"{self.edge}/authorize", headers={"X-API-Key": key}).status_code

    def used(self, user: str) -> tuple[str, int]:
        """Return a customer's plan, and what they used."""
        asked = {"Authorization": f"Bearer {self.secret}", "X-User-Id": user}
        told = httpx.get(f"{self.service}/api/usage", headers=asked).json()
        return told["plan"], told["usageCount"]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    where = installation(tmp_path, imported_keys=True)
    made = where.create_platform("free=3/day", "pro=1000/day")
    with where.serving() as gateway:
        yield Place(gateway.edge, gateway.service, made["secretKey"])


@pytest.fixture
def served() -> Iterator[Callable[[Callable[[str, Mapping[str, Any]], object]], str]]:
    """Return a function that answers requests with JSON: `answer(path, parameters or body)`."""
    servers: list[ThreadingHTTPServer] = []

    def serve(answer: Callable[[str, Mapping[str, Any]], object]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                self._tell(url.path, {k: v[0] for k, v in parse_qs(url.query).items()})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._tell(self.path, json.loads(body))

            def _tell(self, path: str, asked: Mapping[str, Any]) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer(path, asked)).encode())

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def _kong(path: str, asked: Mapping[str, Any]) -> object:
    """One to a page, as Kong's `offset` has it."""
    at = int(asked.get("offset", 0))
    rest = len(KONG[path]) - at - 1
    return {"data": KONG[path][at : at + 1], "offset": str(at + 1) if rest else None}


def _unkey(path: str, asked: Mapping[str, Any]) -> object:
    assert path == "/v2/apis.listKeys"
    assert (asked["apiId"], asked["decrypt"]) == ("api_1", True)
    at = int(asked.get("cursor", 0))
    more = at + 2 < len(UNKEY)
    return {"data": UNKEY[at : at + 2], "pagination": {"cursor": str(at + 2), "hasMore": more}}


def test_from_kong(place: Place, served: Callable[..., str]) -> None:
    kong = served(_kong)
    assert place.status(ADAS) == 401
    guide = "migrating-from-kong.md"
    assert place.move(guide, KONG_ADMIN=kong, PLAN="pro") == "2 customers, 2 new keys\n"
    assert place.move(guide, KONG_ADMIN=kong, PLAN="pro") == "2 customers, 0 new keys\n"
    assert place.used("ada") == ("pro", 0)
    # Who asked with a key before it came is unknown for as long as `cache_negative_ttl`.
    assert place.status(BOBS) == 200
    assert place.used("bob") == ("pro", 1)


def test_from_unkey(place: Place, served: Callable[..., str]) -> None:
    where = {"UNKEY_URL": served(_unkey), "UNKEY_ROOT_KEY": "root", "UNKEY_API_ID": "api_1"}
    guide = "migrating-from-unkey.md"
    assert place.move(guide, **where) == "3 new keys, 1 that Unkey cannot tell\n"
    assert place.move(guide, **where) == "0 new keys, 1 that Unkey cannot tell\n"
    assert [place.status(key) for key in (ADAS, ADAS, ADAS, ADAS)] == [200, 200, 200, 429]
    assert (place.status(BOBS), place.status(DISABLED)) == (200, 401)
    assert place.used("ada") == ("free", 3)
    assert place.used("key_2") == ("free", 1)

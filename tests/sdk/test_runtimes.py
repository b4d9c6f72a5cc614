"""The packed JavaScript SDK on every runtime it is for: one script, and metered endpoints."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.sdk import installed, npm
from tests.sdk.endpoints import (
    SILENT,
    UNITS,
    ask,
    new_key,
    own_tests_pass,
    running,
    use_up,
)
from tests.sdk.front import failing_front
from tests.waiting import PATIENCE_SECONDS
from websockets.sync.client import connect

from dream_gateway.signatures import signature

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(npm.missing() is not None, reason=f"{npm.missing()} is not installed"),
]

SCRIPT = npm.ROOT / "sdk" / "javascript" / "test" / "consumer" / "conformance.mjs"
CHECKS = re.findall(r'^  async "(.+)"\(', SCRIPT.read_text(), re.MULTILINE)

ALLOWED = ("--allow-net", "--allow-env")

RUNS = {
    "node": ("node", "conforms.mjs"),
    "node-commonjs": ("node", "conforms.cjs"),
    "node18": ("node18", "conforms.mjs"),
    "node18-commonjs": ("node18", "conforms.cjs"),
    "bun": ("bun", "run", "conforms.mjs"),
    "bun-commonjs": ("bun", "run", "conforms.cjs"),
    "deno": ("deno", "run", *ALLOWED, "--allow-read", "conforms.mjs"),
}
"""A runtime, and the arguments with which its people would run a script."""

SERVERS = {
    "bun": ("bun", "run", "--port=0"),
    "deno": ("deno", "serve", *ALLOWED, "--host=127.0.0.1", "--port=0"),
}
"""What serves a file whose default export has a `fetch`."""

PORT = r"http://(?:localhost|127\.0\.0\.1|0\.0\.0\.0):(\d+)"


def command_of(factory: pytest.TempPathFactory, command: tuple[str, ...]) -> list[str]:
    """Return a command with the path of its program."""
    name, *arguments = command
    found = installed.node(factory) if name == "node" else installed.program(factory, name)
    return [found, *arguments]


@pytest.fixture(scope="module")
def front(served: dict[str, str]) -> Iterator[str]:
    """A front before the gateway that fails."""
    with failing_front(served["GATEWAY_URL"]) as url:
        yield url


@pytest.fixture(scope="module")
def worker(consumer: Path, served: dict[str, str], node: str) -> Iterator[str]:
    """A Worker in workerd, that has the gateway in its bindings."""
    command = [node, "miniflare.mjs", "workers.mjs", *served]
    with running(command, consumer, PORT, served) as port:
        yield f"http://127.0.0.1:{port}"


def about(place: str, front: str, served: dict[str, str]) -> str:
    """Return what the script is to be given: the gateway, and a message that was signed just now."""
    secret, now = "whsec_c2VjcmV0IG9mIGEgd2ViaG9vaw==", int(time.time())
    message = {"type": "customer.created", "data": {"customerId": "Zoë"}}
    body = json.dumps(message, ensure_ascii=False)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": signature(secret, "msg_1", now, body.encode()),
    }
    return json.dumps(
        {
            "place": place,
            "gateway": served["GATEWAY_URL"],
            "front": front,
            "secretKey": served["GATEWAY_SECRET_KEY"],
            "signed": {"secret": secret, "headers": headers, "body": body},
        }
    )


@pytest.mark.parametrize("place", RUNS)
def test_it_conforms(
    place: str,
    tmp_path_factory: pytest.TempPathFactory,
    consumer: Path,
    front: str,
    served: dict[str, str],
) -> None:
    command = command_of(tmp_path_factory, RUNS[place])
    told = npm.run(consumer, *command, CONFORMANCE=about(place, front, served), **SILENT)
    assert json.loads(told) == CHECKS
    assert len(CHECKS) > 10


def test_it_conforms_in_a_worker(worker: str, front: str, served: dict[str, str]) -> None:
    given = about("workers", front, served)
    answer = httpx.post(
        f"{worker}/conformance", content=given, timeout=PATIENCE_SECONDS, trust_env=False
    )
    assert answer.status_code == 200, answer.text
    assert answer.json() == CHECKS


def test_its_own_tests_pass_on_node_18(
    tmp_path_factory: pytest.TempPathFactory, package: Path
) -> None:
    # The @hono/node-server that the package names runs there; a later one does not promise to.
    own_tests_pass(package, installed.program(tmp_path_factory, "node18"))


@pytest.mark.parametrize("place", ["bun", "deno"])
def test_five_lines_charge_a_user(
    place: str, tmp_path_factory: pytest.TempPathFactory, consumer: Path, served: dict[str, str]
) -> None:
    run = command_of(tmp_path_factory, RUNS[place])[:-1]
    told = npm.run(consumer, *run, "track.mjs", **SILENT, **served)
    assert re.fullmatch(rf"ada has used \d of {UNITS}\n", told)


def test_its_types_hold_in_deno(tmp_path_factory: pytest.TempPathFactory, consumer: Path) -> None:
    npm.run(
        consumer, installed.program(tmp_path_factory, "deno"), "check", "elsewhere.ts", **SILENT
    )


@pytest.mark.parametrize("file", ["worker.mjs", "plain.mjs"])
@pytest.mark.parametrize("place", SERVERS)
def test_a_fetch_handler_is_a_metered_endpoint(
    place: str,
    file: str,
    tmp_path_factory: pytest.TempPathFactory,
    consumer: Path,
    served: dict[str, str],
) -> None:
    command = [*command_of(tmp_path_factory, SERVERS[place]), file]
    with running(command, consumer, PORT, served) as port:
        use_up(f"http://127.0.0.1:{port}/", served, f"{place}-{file}")


@pytest.mark.parametrize("path", ["/", "/plain"])
def test_a_worker_is_a_metered_endpoint(worker: str, served: dict[str, str], path: str) -> None:
    use_up(worker + path, served, f"grace-of-{len(path)}")


def test_a_worker_keeps_cookies_and_websockets(worker: str, served: dict[str, str]) -> None:
    key = new_key(served, "grace-talking")
    assert ask(f"{worker}/plain", key).headers.get_list("set-cookie") == ["a=1", "b=2"]
    url = worker.replace("http", "ws", 1) + "/plain"
    with connect(url, additional_headers={"x-api-key": key}, proxy=None) as socket:
        assert socket.response is not None
        assert "r=2" in socket.response.headers["ratelimit"]
        socket.send("hello")
        assert socket.recv(PATIENCE_SECONDS) == "hello"

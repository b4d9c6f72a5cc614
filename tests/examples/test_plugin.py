"""The guide's plugin, installed by pip and served: `GET|POST /files` on the edge, `GET /api/usage`."""

from __future__ import annotations

import hmac
import json
import re
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.examples.conftest import Environment

pytestmark = pytest.mark.long

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "writing-a-plugin.md"
HOOKS = ["commands", "identities", "request_costs", "settings_type", "verdict_observers"]
SECRET = "not to be printed"
BUILD = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "by-size"
version = "1.2.3"
dependencies = ["dream-gateway"]

[tool.hatch.build.targets.wheel]
only-include = ["your_module.py"]
"""
LIMIT_SECONDS = 60.0


@pytest.fixture(scope="module")
def site(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The environment, with the guide's plugin as a distribution."""
    text = GUIDE.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    points = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0]
    project = tmp_path_factory.mktemp("by-size")
    (project / "your_module.py").write_text(code)
    (project / "pyproject.toml").write_text(BUILD + points)
    environment.install(project)
    return environment


class Api(BaseHTTPRequestHandler):
    """Answers everything with 200."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - as the base class spells it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
        """Say nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a configuration file, whose upstream runs."""
    made = tmp_path_factory.mktemp("served")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (made / "gateway.toml").write_text(
        f'''
store = "sqlite:///dream.db"
upstream = "http://127.0.0.1:{server.server_address[1]}"
port = 0
service_port = 0

[plugins.by-size]
secret = "{SECRET}"
unit_bytes = 100
refusals = "refusals.txt"
'''
    )
    yield made
    server.shutdown()
    server.server_close()


def ask(site: Environment, folder: Path, *words: str) -> Any:
    return json.loads(
        site.run("dream-gateway", *words, "--json", "--config", "gateway.toml", cwd=folder)
    )


@pytest.fixture(scope="module")
def tenant(site: Environment, folder: Path) -> dict[str, str]:
    """A project, and a customer with a key."""
    tier = ("--name", "Acme", "--tier", "free=10/month", "--tier", "pro=20/month")
    made: dict[str, str] = ask(site, folder, "platform", "create", *tier)
    whose = ("--project", made["projectId"])
    ask(site, folder, "customer", "create", *whose, "--id", "ada")
    key: dict[str, str] = ask(site, folder, "key", "create", *whose, "--customer", "ada")
    return made | key


@pytest.fixture(scope="module")
def served(
    site: Environment, folder: Path, tenant: dict[str, str]
) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of the edge and of the service of a gateway that runs."""
    process = subprocess.Popen(
        [site.program("dream-gateway"), "serve", "--json", "--config", "gateway.toml"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        listening = json.loads(line)
        with (
            httpx.Client(base_url=listening["edge"], timeout=LIMIT_SECONDS) as edge,
            httpx.Client(base_url=listening["service"], timeout=LIMIT_SECONDS) as service,
        ):
            yield edge, service
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 0
    assert [line for line in errors.splitlines() if " INFO " not in line] == []


def test_plugins_list_shows_its_hooks(site: Environment, folder: Path) -> None:
    rows = {row["name"]: row for row in ask(site, folder, "plugins", "list")["data"]}
    assert rows["by-size"] == {
        "kind": "plugin", "name": "by-size", "package": "by-size", "version": "1.2.3",
        "used": True, "hooks": HOOKS, "fault": "",
    }  # fmt: skip


def test_settings_shows_what_it_declares_and_no_secret(site: Environment, folder: Path) -> None:
    answer = ask(site, folder, "settings")
    rows = {row["name"]: row for row in answer["data"]}
    assert rows["plugins.by-size.unit_bytes"] == {
        "name": "plugins.by-size.unit_bytes", "value": 100, "source": "gateway.toml",
        "type": "whole number", "default": 1_000_000,
        "help": "Bytes of a body that cost one unit more.",
    }  # fmt: skip
    assert rows["plugins.by-size.secret"]["value"] == "***"
    assert SECRET not in json.dumps(answer)


def test_a_request_costs_what_it_says_and_it_sees_the_refusal(
    served: tuple[httpx.Client, httpx.Client], tenant: dict[str, str], folder: Path
) -> None:
    edge, service = served
    key = {"authorization": f"Bearer {tenant['key']}"}
    assert edge.post("/files", content=b"x" * 450, headers=key).status_code == 200
    assert edge.get("/files", headers=key).status_code == 200
    secret = {"authorization": f"Bearer {tenant['secretKey']}", "x-user-id": "ada"}
    assert service.get("/api/usage", headers=secret).json()["usageCount"] == 6
    refused = edge.post("/files", content=b"x" * 450, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert edge.get("/files").status_code == 401
    assert (folder / "refusals.txt").read_text() == "ada quota_exceeded\n missing_credential\n"


def test_it_knows_an_end_user_by_a_token(
    served: tuple[httpx.Client, httpx.Client], tenant: dict[str, str]
) -> None:
    _, service = served
    named = f"{tenant['publishableKey']}.grace"
    signature = hmac.digest(SECRET.encode(), named.encode(), "sha256").hex()

    def usage(token: str) -> httpx.Response:
        headers = {"x-publishable-key": tenant["publishableKey"], "authorization": token}
        return service.get("/api/usage", headers=headers)

    answer = usage(f"Bearer user.{named}.{signature}").json()
    assert (answer["userId"], answer["plan"], answer["usageCount"]) == ("grace", "free", 0)
    for token in (f"user.ada.{signature}", f"user.{named}.00", f"other.{named}.{signature}"):
        assert usage(f"Bearer {token}").status_code == 401


def test_its_command_runs(site: Environment, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAM_GATEWAY_CONFIG", "gateway.toml")
    assert "100 bytes" in site.run("dream-gateway", "sizes", cwd=folder)
    assert "Say how uploads are priced." in site.run("dream-gateway", "--help", cwd=folder)


def test_a_wrong_setting_is_one_line_that_names_it(site: Environment, folder: Path) -> None:
    text = (folder / "gateway.toml").read_text().replace("unit_bytes = 100", "unit_bytes = 0")
    (folder / "wrong.toml").write_text(text)
    command = [site.program("dream-gateway"), "serve", "--config", "wrong.toml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: configuration_error: plugins.by-size.unit_bytes: Expected `int` >= 1\n"
    )

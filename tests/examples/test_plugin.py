"""The guide's plugin, installed by pip and served: `GET|POST /files` on the edge, `GET /api/usage`."""

from __future__ import annotations

import hmac
import json
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.servers.gateway import Installation, installation
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    own = {"secret": SECRET, "unit_bytes": 100, "refusals": "refusals.txt"}
    upstream = f"http://127.0.0.1:{server.server_port}"
    installation(made, upstream=upstream, plugins={"by-size": own})
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(site: Environment, folder: Path) -> Callable[..., Any]:
    """Return what runs a command of the environment's, for its answer."""
    return _place(site, folder).command


def _place(site: Environment, folder: Path) -> Installation:
    return Installation(folder, (site.program("dream-gateway"),))


@pytest.fixture(scope="module")
def tenant(site: Environment, folder: Path) -> dict[str, str]:
    """A project, and a customer with a key."""
    place = _place(site, folder)
    made = place.create_platform("free=10/month", "pro=20/month")
    return made | place.create_customer(made["projectId"], "ada")


@pytest.fixture(scope="module")
def served(
    site: Environment, folder: Path, tenant: dict[str, str]
) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of the edge and of the service of a gateway that runs."""
    with (
        _place(site, folder).serving() as gateway,
        httpx.Client(base_url=gateway.edge, timeout=PATIENCE_SECONDS) as edge,
        httpx.Client(base_url=gateway.service, timeout=PATIENCE_SECONDS) as service,
    ):
        yield edge, service
    lines = gateway.log.read_text().splitlines()
    assert [line for line in lines if " INFO " not in line] == []


def test_plugins_list_shows_its_hooks(ask: Callable[..., Any]) -> None:
    rows = {row["name"]: row for row in ask("plugins", "list")["data"]}
    assert rows["by-size"] == {
        "kind": "plugin", "name": "by-size", "package": "by-size", "version": "1.2.3",
        "used": True, "hooks": HOOKS, "fault": "",
    }  # fmt: skip


def test_settings_shows_what_it_declares_and_no_secret(
    ask: Callable[..., Any], folder: Path
) -> None:
    answer = ask("settings")
    rows = {row["name"]: row for row in answer["data"]}
    assert rows["plugins.by-size.unit_bytes"] == {
        "name": "plugins.by-size.unit_bytes", "value": 100, "source": str(folder / "gateway.toml"),
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
    text = (folder / "gateway.toml").read_text().replace('"unit_bytes" = 100', '"unit_bytes" = 0')
    (folder / "wrong.toml").write_text(text)
    command = [site.program("dream-gateway"), "serve", "--config", "wrong.toml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: configuration_error: plugins.by-size.unit_bytes: Expected `int` >= 1\n"
    )

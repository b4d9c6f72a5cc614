"""Prometheus reads `deploy/`, tells when each alert fires, and answers every panel of a live node."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from chaos.node import Node
from tests.deploy.test_dashboards import DASHBOARD, PANELS, RULES
from tests.servers.ports import free_port
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DEPLOY = Path(__file__).parents[2] / "deploy"
CONFIGURATION = DEPLOY / "prometheus" / "prometheus.yml"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
CASES = Path(__file__).with_name("alerts.test.yaml")
MOUNTED = "/etc/prometheus/alerts*.yaml"

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="Prometheus is not installed"
)


def configuration(scraped: str) -> str:
    """Return compose.yaml's configuration for another node, which it asks twice a second."""
    read = yaml.safe_load(CONFIGURATION.read_text())
    assert read["rule_files"] == [MOUNTED]
    read["rule_files"] = [str(ALERTS)]
    read["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    (job,) = read["scrape_configs"]
    job["static_configs"] = [{"targets": [scraped]}]
    return str(yaml.safe_dump(read))


@needs_promtool
def test_promtool_reads_the_configuration_with_the_alerts(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(
        CONFIGURATION.read_text().replace(MOUNTED, str(ALERTS))
    )
    command = ["promtool", "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES)} rules found" in done.stdout


@needs_promtool
def test_each_alert_fires_when_it_should() -> None:
    command = ["promtool", "test", "rules", CASES.name]
    done = subprocess.run(command, cwd=CASES.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_case_in_which_it_is_silent_and_one_in_which_it_fires() -> None:
    cases = [
        case
        for test in yaml.safe_load(CASES.read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    for fires in (False, True):
        names = {case["alertname"] for case in cases if bool(case.get("exp_alerts")) is fires}
        assert names == {rule["alert"] for rule in RULES}


@contextlib.asynccontextmanager
async def api() -> AsyncIterator[str]:
    """Run an API that fails below `/fails`; yield its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                status = b"500 Oops" if head.startswith(b"GET /fails") else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@contextlib.asynccontextmanager
async def prometheus(folder: Path, scraped: str) -> AsyncIterator[httpx.AsyncClient]:
    """Run Prometheus; yield a client of its API."""
    (folder / "prometheus.yml").write_text(configuration(scraped))
    url = f"http://127.0.0.1:{free_port()}"
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={folder / 'series'}", f"--web.listen-address={url[7:]}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        async with httpx.AsyncClient(
            base_url=f"{url}/api/v1", trust_env=False, timeout=30
        ) as client:
            yield client
    finally:
        process.terminate()
        await process.wait()


class Asked:
    """What Prometheus answered to the queries of the dashboard."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.unanswered = {
            (panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]
        }

    async def ask(self) -> None:
        """Ask those again that had no series. Refused queries raise."""
        for title, expression in sorted(self.unanswered):
            filled = expression.replace("$__rate_interval", "1m")
            filled = filled.replace("$job", ".*").replace("$instance", ".*")
            if (await self.found("query", query=filled))["result"]:
                self.unanswered.remove((title, expression))

    async def all_answered(self) -> bool:
        """Ask what is unanswered; return whether nothing is any more."""
        with contextlib.suppress(httpx.TransportError):  # Prometheus may still be starting
            await self.ask()
        return not self.unanswered

    async def alerts(self) -> set[tuple[str, str]]:
        """Return how the alerts are: their healths and their states."""
        (group,) = (await self.found("rules"))["groups"]
        return {(rule["health"], rule["state"]) for rule in group["rules"]}

    async def one_is_pending(self) -> bool:
        """Return whether an alert would fire soon."""
        return ("ok", "pending") in await self.alerts()

    async def found(self, what: str, **parameters: str) -> Any:
        """Return the data that is found."""
        answer = await self._client.get(f"/{what}", params=parameters)
        assert answer.status_code == 200, (parameters, answer.text)
        return answer.json()["data"]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node with the settings that compose.yaml gives its nodes, but for the stores."""
    async with api() as upstream:
        environ = {
            "DREAM_GATEWAY_UPSTREAM": upstream,
            "DREAM_GATEWAY_JOURNAL_DIR": str(tmp_path / "journals"),
            "DREAM_GATEWAY_ACCESS_LOG": "true",  # one panel is about it
            "DREAM_GATEWAY_ACCESS_LOG_FILE": str(tmp_path / "access.log"),
        }
        settings = tomllib.loads((DEPLOY / "gateway.toml").read_text())
        del settings["lease_seconds"]  # a node of a trial has its own
        settings["store"] = f"sqlite:///{tmp_path / 'dream.db'}"
        made = Node(tmp_path / "node", settings, workers=2, environ=environ)
        await made.start()
        yield made
        await made.stop()


async def _key(node: Node) -> str:
    made = await node.command("platform", "create", "--name", "acme", "--tier", "free=20/month")
    where = ("--project", made["projectId"])
    await node.command("customer", "create", *where, "--id", "ada", "--plan", "free")
    return (await node.command("key", "create", *where, "--customer", "ada"))["key"]


@contextlib.asynccontextmanager
async def asking(node: Node, key: str) -> AsyncIterator[None]:
    """Ask all the time: what is admitted, past the limit, of nobody, and what fails."""
    fields = {"Authorization": f"Bearer {key}"}

    async def ask() -> None:
        async with httpx.AsyncClient(base_url=node.edge, trust_env=False, timeout=60) as client:
            while True:
                for path, headers in (("/", fields), ("/fails", fields), ("/", {})):
                    await client.get(path, headers=headers)
                await asyncio.sleep(0.2)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(ask())
        yield
        task.cancel()


@pytest.mark.long
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")
async def test_every_panel_has_something_to_show_of_a_node_and_a_dead_one_is_noticed(
    node: Node, tmp_path: Path
) -> None:
    place = node.service.removeprefix("http://")
    key = await _key(node)
    async with prometheus(tmp_path, place) as client:
        asked = Asked(client)
        async with asking(node, key):
            with contextlib.suppress(AssertionError):  # What has no answer is told below.
                await eventually(asked.all_answered, "answered, every panel")
        assert asked.unanswered == set()
        for variable in DASHBOARD["templating"]["list"][1:]:
            assert variable["definition"].startswith("label_values(dream_gateway_workers")
            (value,) = await asked.found(
                f"label/{variable['name']}/values", **{"match[]": "dream_gateway_workers"}
            )
            assert value == {"job": "dream-gateway", "instance": place}[variable["name"]]
        assert await asked.alerts() == {("ok", "inactive")}
        await node.kill()
        await eventually(asked.one_is_pending, "pending, an alert")

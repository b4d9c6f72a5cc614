"""What `deploy/` names exists: settings, commands, paths, ports; and the image does what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.deploy.image import Stage, build, environment, stages, words
from tests.servers.balancer import haproxy
from tests.servers.ports import free_port
from tests.waiting import PATIENCE_SECONDS, until

from dream_gateway.cli.root import COMMANDS
from dream_gateway.configuration import ENVIRONMENT_PREFIX, FILE_VARIABLE, load_settings
from dream_gateway.server.listeners import NAMES
from dream_gateway.server.supervisor import CLOSING_SECONDS
from dream_gateway.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
GUIDE = ROOT / "docs" / "guides" / "deploying.md"
TABLES = ("gateway.toml", "kubernetes/gateway.toml", "systemd/gateway.toml")
LISTENS = {"edge": "0.0.0.0:8080", "service": "127.0.0.1:8787"}
"""Where the sockets of one machine listen: only callers come from elsewhere unasked."""


def texts() -> dict[str, str]:
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".json"]
    return {str(path.relative_to(DEPLOY)): path.read_text() for path in files}


def unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(
        r"^(\w+)=(.*)$", (DEPLOY / "systemd/dream-gateway.service").read_text(), re.MULTILINE
    ):
        found.setdefault(name, []).append(value)
    return found


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def deployment() -> Any:
    return yaml.safe_load((DEPLOY / "kubernetes/deployment.yaml").read_text())["spec"]["template"]


def test_every_variable_is_a_setting() -> None:
    named = {
        name
        for text in texts().values()
        for name in re.findall(rf"{ENVIRONMENT_PREFIX}([A-Z_]+)\b", text)
    }
    named -= {FILE_VARIABLE.removeprefix(ENVIRONMENT_PREFIX)}
    assert {name.lower() for name in named} <= set(Settings.__struct_fields__)
    assert len(named) > 8


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_of_settings_are_read(name: str) -> None:
    assert load_settings(DEPLOY / name, {}, {}).settings != Settings()


def test_plugins_and_extras_that_are_named_are_there_or_said_to_be_optional() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras, *_ = stages(DEPLOY / "Dockerfile")[0].all("ARG")
    assert extras.startswith("EXTRAS=")
    assert set(extras.partition("=")[2].split(",")) <= set(project["optional-dependencies"])
    for name in TABLES:
        used = load_settings(DEPLOY / name, {}, {}).settings.plugins
        assert set(used) <= set(project["entry-points"]["dream_gateway.plugins"])


def test_one_machine_believes_nobody_and_shows_metrics_to_the_operator() -> None:
    settings = load_settings(DEPLOY / "systemd/gateway.toml", {}, {}).settings
    assert settings.trusted_proxies == ()
    assert settings.plugins["prometheus"]["access"] == "operator"


def test_the_guide_installs_what_is_there() -> None:
    section = GUIDE.read_text().partition("\n## One machine\n")[2].partition("\n## ")[0]
    (configured,) = re.findall(r"^sudo install .*?(deploy/\S+) (\S+)$", section, re.MULTILINE)
    assert configured[0] == "deploy/systemd/gateway.toml"
    assert f"{FILE_VARIABLE}={configured[1]}" in unit()["Environment"]
    (copied,) = re.findall(r"^sudo cp (.*) /etc/systemd/system/$", section, re.MULTILINE)
    units = {path for pattern in copied.split() for path in ROOT.glob(pattern)}
    assert units == set((DEPLOY / "systemd").glob("dream-gateway*"))
    assert {path.suffix for path in units} == {".service", ".socket"}


def test_commands_are_commands() -> None:
    runs = [unit()["ExecStart"][0].split()[1], *deployment()["spec"]["containers"][0]["args"]]
    runs += words(stages(DEPLOY / "Dockerfile")[-1].last("CMD"))
    assert set(runs) == {"serve"} <= set(COMMANDS)


def test_paths_that_are_copied_or_mounted_are_there() -> None:
    for copied in stages(DEPLOY / "Dockerfile")[0].all("COPY"):
        assert all((ROOT / name).exists() for name in copied.split()[:-1])
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    assert kept == {
        name for c in stages(DEPLOY / "Dockerfile")[0].all("COPY") for name in c.split()[:-1]
    }
    found = compose()
    for service in found["services"].values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).exists() if source[0] == "." else source in found["volumes"]
    named = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())
    files = named["resources"] + named["configMapGenerator"][0]["files"]
    assert all((DEPLOY / "kubernetes" / name).exists() for name in files)


def test_ports_and_paths_are_the_gateways() -> None:
    ports = {Settings().port, Settings().service_port}
    assert set(map(int, stages(DEPLOY / "Dockerfile")[-1].last("EXPOSE").split())) == ports
    container = deployment()["spec"]["containers"][0]
    assert {port["containerPort"] for port in container["ports"]} == ports
    assert set(map(int, re.findall(r"bind :(\d+)", texts()["haproxy.cfg"]))) == ports
    for plane in NAMES:
        socket = texts()[f"systemd/dream-gateway-{plane}.socket"]
        port = Settings().port if plane == "edge" else Settings().service_port
        assert f"FileDescriptorName={plane}\n" in socket
        assert f"ListenStream={LISTENS[plane]}\n" in socket
        assert LISTENS[plane].endswith(f":{port}")
        assert f"dream-gateway-{plane}.socket" in unit()["Sockets"][0]
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        assert container[probe]["httpGet"]["path"] in ("/ready", "/health")


def test_nobody_is_killed_before_the_drain_is_over() -> None:
    pod = load_settings(DEPLOY / "kubernetes/gateway.toml", {}, {}).settings
    nodes = compose()["services"]["gateway1"]
    environ = {n: v for n, v in nodes["environment"].items() if n != FILE_VARIABLE and "$" not in v}
    stacked = load_settings(None, environ, {}).settings
    lonely = dict(each.split("=", 1) for each in unit()["Environment"])
    lonely.pop(FILE_VARIABLE)
    for settings, grace in (
        (pod, deployment()["spec"]["terminationGracePeriodSeconds"]),
        (stacked, nodes["stop_grace_period"].removesuffix("s")),
        (load_settings(None, lonely, {}).settings, unit()["TimeoutStopSec"][0]),
    ):
        assert settings.drain_delay + settings.drain_seconds + CLOSING_SECONDS < float(grace)
    # A balancer has to notice within the delay.
    probe = deployment()["spec"]["containers"][0]["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] + 1 < pod.drain_delay
    every, fall = re.findall(r"inter (\d+)s fall (\d+)", texts()["haproxy.cfg"])[0]
    assert int(every) * int(fall) + 1 < stacked.drain_delay


def test_variables_of_kubernetes_own_are_kept_out() -> None:
    # A Service of this name makes DREAM_GATEWAY_PORT a URL.
    assert deployment()["spec"]["enableServiceLinks"] is False


def test_the_image_runs_as_nobody_in_particular() -> None:
    *_, final = stages(DEPLOY / "Dockerfile")
    order = [word for word, _ in final.lines]
    assert final.last("USER") == "10001:10001"
    assert order.index("USER") < order.index("ENTRYPOINT")
    assert int(deployment()["spec"]["securityContext"]["runAsUser"]) == 10001


def test_haproxy_reads_its_file() -> None:
    program = haproxy()
    if program is None:
        pytest.skip("HAProxy is not installed")
    done = subprocess.run(
        [program, "-c", "-f", DEPLOY / "haproxy.cfg"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_systemd_reads_the_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    for path in (DEPLOY / "systemd").glob("dream-gateway*"):
        text = path.read_text().replace("/opt/dream-gateway/bin/dream-gateway", "/bin/true")
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        [program, "verify", *tmp_path.iterdir()], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_image_can_be_made_and_is_healthy(tmp_path: Path) -> None:
    first, final = stages(DEPLOY / "Dockerfile")
    venv = build(first, ROOT, tmp_path)
    process, port = _run(final, venv, tmp_path)
    try:
        check = ["env", f"DREAM_GATEWAY_SERVICE_PORT={port}", *words(final.last("HEALTHCHECK"))]
        check[2] = str(venv / "bin" / check[2])

        def is_healthy() -> bool:
            assert process.poll() is None
            return subprocess.run(check, check=False, capture_output=True).returncode == 0

        until(is_healthy, "healthy")
        assert httpx.get(f"http://127.0.0.1:{port}/health").json() == {"status": "ok"}
        assert (tmp_path / "home" / "journals").is_dir()
    finally:
        process.terminate()
    assert process.wait(PATIENCE_SECONDS) == 0
    assert subprocess.run(check, check=False, capture_output=True).returncode != 0


def _run(stage: Stage, venv: Path, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start the entry point with the environment of the stage; return its service's port, too."""
    home, port = folder / "home", free_port()
    home.mkdir()
    environ = {
        name: value.replace("/var/lib/dream-gateway", str(home))
        for name, value in environment(stage).items()
    }
    environ |= {"PATH": f"{venv}/bin:/usr/bin:/bin", "DREAM_GATEWAY_PORT": str(free_port())}
    environ["DREAM_GATEWAY_SERVICE_PORT"] = str(port)
    command = [str(venv / "bin" / words(stage.last("ENTRYPOINT"))[0]), *words(stage.last("CMD"))]
    return subprocess.Popen(command, env=environ, cwd=home), port

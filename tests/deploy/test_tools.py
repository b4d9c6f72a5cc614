"""Who `deploy/` is for reads it: Docker Compose, hadolint, kubectl, Kubernetes' types, systemd."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Config = Callable[[Mapping[str, str]], subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ASKED_FOR = {"POSTGRES_PASSWORD": "secret", "UPSTREAM": "http://api.example.com:3000"}
EXPOSURE = 20
"""The most that systemd may find of ways out of the service, of 100."""

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not installed"
)


def run(
    *command: str | Path, environ: Mapping[str, str] | None = None, said: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program that may fail."""
    given = {**os.environ, **(environ or {})}
    return subprocess.run(
        command, env=given, input=said, capture_output=True, text=True, check=False
    )


def kustomized() -> str:
    """Return what `kubectl apply --kustomize` would apply."""
    done = run("kubectl", "kustomize", DEPLOY / "kubernetes")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
@pytest.mark.timeout(600)
class TestCompose:
    """`docker compose config`, of the file as it stands."""

    @pytest.fixture
    def config(self, docker_compose: Path) -> Config:
        command = (docker_compose, "--file", DEPLOY / "compose.yaml", "config")
        return lambda environ: run(*command, environ=environ)

    def test_it_is_read_without_a_warning(self, config: Config) -> None:
        done = config(ASKED_FOR)
        assert (done.returncode, done.stderr) == (0, "")
        read: dict[str, Any] = yaml.safe_load(done.stdout)
        assert read["services"].keys() >= {"gateway1", "gateway2", "balancer", "prometheus"}
        for name in ("gateway1", "gateway2"):
            node = read["services"][name]
            assert node["stop_grace_period"] == "1m0s"
            assert (Path(node["build"]["context"]) / node["build"]["dockerfile"]).is_file()
            assert {each["condition"] for each in node["depends_on"].values()} == {
                "service_healthy"
            }

    @pytest.mark.parametrize("missing", ASKED_FOR)
    def test_what_has_to_be_given_is_asked_for(self, config: Config, missing: str) -> None:
        done = config({**ASKED_FOR, missing: ""})
        assert done.returncode != 0
        assert missing in done.stderr


@pytest.mark.long
@pytest.mark.timeout(600)
def test_hadolint_finds_nothing(tools: Path) -> None:
    done = run(tools / "hadolint", "--failure-threshold", "style", DEPLOY / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


@needs_kubectl
def test_kustomize_makes_the_pods_of_the_settings() -> None:
    made = {each["kind"]: each for each in yaml.safe_load_all(kustomized())}
    assert made.keys() == {"ConfigMap", "Service", "Deployment", "PodDisruptionBudget"}
    pod = made["Deployment"]["spec"]["template"]
    (settings,) = [v for v in pod["spec"]["volumes"] if v["name"] == "settings"]
    # Its name ends with its digest, so that pods are replaced when a setting changes.
    assert settings["configMap"]["name"] == made["ConfigMap"]["metadata"]["name"] != "dream-gateway"
    for kind, at in (("Service", "selector"), ("PodDisruptionBudget", "selector")):
        wanted = made[kind]["spec"][at]
        assert pod["metadata"]["labels"].items() >= wanted.get("matchLabels", wanted).items()
    assert (
        made["PodDisruptionBudget"]["spec"]["minAvailable"] < made["Deployment"]["spec"]["replicas"]
    )


@needs_kubectl
@pytest.mark.long
@pytest.mark.timeout(600)
def test_kubernetes_types_know_every_field(tools: Path) -> None:
    reader = (tools / "python", Path(__file__).with_name("kubernetes_types.py"))
    objects = kustomized()
    done = run(*reader, said=objects)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    wrong = objects.replace("readinessProbe", "readynessProbe")
    assert "readynessProbe" in run(*reader, said=wrong).stderr
    old = objects.replace("enableServiceLinks: false", "serviceAccount: gateway")
    assert run(*reader, said=old).stdout == "Deployment.spec.template.spec.service_account"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_few_ways_out_of_the_service() -> None:
    unit = DEPLOY / "systemd" / "dream-gateway.service"
    command = ("systemd-analyze", "security", "--offline=true", "--no-pager")
    done = run(*command, f"--threshold={EXPOSURE}", unit)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr
    assert run(*command, f"--threshold={EXPOSURE // 2}", unit).returncode != 0

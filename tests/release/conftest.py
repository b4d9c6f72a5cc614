"""A release as `scripts/release` writes it, and fresh environments with its wheel and its sdist."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.examples.conftest import ROOT, Environment, fresh

if TYPE_CHECKING:
    from pathlib import Path

SDK = ROOT / "sdk/javascript/package.json"


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all of it; the SBOM is of an environment that sees this one's libraries."""
    if SDK.exists() and shutil.which("npm") is None:
        pytest.skip("npm packs the SDK, and is not here")
    folder = tmp_path_factory.mktemp("release")
    described = fresh(tmp_path_factory.mktemp("described") / "venv")
    described.install(ROOT)
    python = described.program("python")
    command = [str(ROOT / "scripts/release"), "--environment", python, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session", params=["*.whl", "*.tar.gz"], ids=["wheel", "sdist"])
def installed(
    request: pytest.FixtureRequest, release: Path, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """A fresh environment with one of the artefacts."""
    (artefact,) = release.glob(f"dream_gateway-{request.param}")
    made = fresh(tmp_path_factory.mktemp("installed") / "venv")
    made.put(artefact)
    return made

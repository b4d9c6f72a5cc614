"""A release as `scripts/release` writes it, and fresh environments with its wheel and its sdist."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests import once
from tests.examples.conftest import ROOT, Environment, fresh
from tests.sdk import npm

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all of it; the SBOM is of an environment that sees this one's libraries."""
    return once.made(tmp_path_factory, "release", _release) / "dist"


def _release(home: Path) -> None:
    described = fresh(home / "described")
    described.install(ROOT)
    python = described.program("python")
    command = [str(ROOT / "scripts/release"), "--environment", python, str(home / "dist")]
    npm.needed()
    done = subprocess.run(
        command, env={**os.environ, **npm.BOUNDED}, capture_output=True, text=True, check=False
    )
    npm.installed(done)


@pytest.fixture(scope="session", params=["*.whl", "*.tar.gz"], ids=["wheel", "sdist"])
def installed(
    request: pytest.FixtureRequest, release: Path, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """A fresh environment with one of the artefacts."""
    (artefact,) = release.glob(f"dream_gateway-{request.param}")
    made = fresh(tmp_path_factory.mktemp("installed") / "venv")
    made.put(artefact)
    return made

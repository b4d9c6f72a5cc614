"""Builds and packs the JavaScript SDK in a folder of its own, with npm and tsc as anybody would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist", "*.tgz")
QUIET = ("--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline", "--loglevel=error")
AWAY = re.compile(
    r"^npm (?:error|ERR!) code "
    r"(E(?:NOTFOUND|AI_AGAIN|AI_FAIL|CONN[A-Z]+|TIMEDOUT|[A-Z]*TIMEOUT|HOSTUNREACH|NETUNREACH|50[234])"
    r"|ERR_SOCKET_TIMEOUT)$",
    re.MULTILINE,
)
"""What npm calls a network or a registry that is not there."""

BOUNDED = {"npm_config_fetch_timeout": "60000", "npm_config_fetch_retries": "1"}
"""npm's settings by which it gives up a registry that says nothing, within `PATIENCE_SECONDS`."""

PATIENCE_SECONDS = 300.0


def missing() -> str | None:
    """Return what is not installed, `None` if everything is."""
    return next((name for name in ("node", "npm") if shutil.which(name) is None), None)


def needed() -> None:
    """Skip where it is not installed."""
    if missing() is not None:
        pytest.skip(f"{missing()} is not installed")


def installed(done: subprocess.CompletedProcess[str]) -> None:
    """Skip if npm could not reach a registry; any other bad end is a failure."""
    away = AWAY.search(done.stderr)
    if done.returncode and away:
        pytest.skip(f"npm cannot reach a registry: {away[1]}")
    assert done.returncode == 0, done.stdout + done.stderr


def copy(folder: Path) -> Path:
    """Copy the package's source below a folder, as it lies in the repository."""
    package = folder / "sdk" / "javascript"
    shutil.copytree(ROOT / "sdk" / "javascript", package, ignore=LEFT_OUT)
    shutil.copy(ROOT / "LICENSE", folder)
    return package


def install(folder: Path, *what: str | Path) -> None:
    """Install a folder's dependencies, or packages; skip where that cannot be."""
    needed()
    installed(_run(folder, "npm", "install", *QUIET, *map(str, what)))


def run(folder: Path, *command: str, **environment: str) -> str:
    """Run a command to its good end, and return what it wrote."""
    done = _run(folder, *command, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DREAM_GATEWAY_")}
    return subprocess.run(
        command, cwd=folder, env={**kept, **BOUNDED, **environment}, capture_output=True, text=True,
        check=False, timeout=PATIENCE_SECONDS,
    )  # fmt: skip


def program(name: str) -> str:
    """Return where a program is."""
    found = shutil.which(name)
    assert found is not None
    return found

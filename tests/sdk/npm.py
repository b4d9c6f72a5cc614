"""Builds and packs the JavaScript SDK in a folder of its own, with npm and tsc as anybody would."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist", "*.tgz")
QUIET = ("--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline", "--loglevel=error")
PATIENCE_SECONDS = 300.0


def missing() -> str | None:
    """Return what is not installed, `None` if everything is."""
    return next((name for name in ("node", "npm") if shutil.which(name) is None), None)


def copy(folder: Path) -> Path:
    """Copy the package's source below a folder, as it lies in the repository."""
    package = folder / "sdk" / "javascript"
    shutil.copytree(ROOT / "sdk" / "javascript", package, ignore=LEFT_OUT)
    shutil.copy(ROOT / "LICENSE", folder)
    return package


def install(folder: Path, *what: str | Path) -> None:
    """Install a folder's dependencies, or packages."""
    run(folder, "npm", "install", *QUIET, *map(str, what))


def run(folder: Path, *command: str, **environment: str) -> str:
    """Run a command to its good end, and return what it wrote."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DREAM_GATEWAY_")}
    done = subprocess.run(
        command, cwd=folder, env={**kept, **environment}, capture_output=True, text=True,
        check=False, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def program(name: str) -> str:
    """Return where a program is."""
    found = shutil.which(name)
    assert found is not None
    return found

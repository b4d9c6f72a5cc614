"""What takes long to make and is made once in a run, whichever of its processes comes first."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def made(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder that one of the run's processes fills, while the others wait for it.

    If `make` skips or fails, so do those who come later, for the same reason.
    """
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    home, told = shared / name, shared / f"{name}.told"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            home.mkdir()
            told.write_text("failed:the process that made it came to no end")
            told.write_text(_outcome(make, home))
    outcome, _, why = told.read_text().partition(":")
    if outcome == "skipped":
        pytest.skip(why)
    assert outcome == "made", why
    return home


def _outcome(make: Callable[[Path], object], home: Path) -> str:
    try:
        make(home)
    except pytest.skip.Exception as skipped:
        return f"skipped:{skipped.msg}"
    except Exception as error:  # noqa: BLE001 - it is told to every process
        return f"failed:{type(error).__name__}: {error}"
    return "made:"

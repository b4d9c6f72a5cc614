"""What a contender is: one server on one job, begun in one setting, and what it needs to run."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from bench.load.machine import find

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.load.machine import Server
    from bench.load.wrk import Job

KEY = "ak_bench_0123456789abcdef"
"""The key that peers know."""

PLENTY = 1_000_000_000
"""A limit that no run reaches, and that everybody's configuration can hold."""

VERSION = re.compile(r"\d+(\.\d+)+")


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a contender begins: its files, the API behind it, and the requests its key may make."""

    folder: Path
    upstream_port: int
    limit: int = PLENTY


@dataclass(frozen=True, slots=True)
class Contender:
    """One server on one job. `yardstick` names the contender that it is compared with.

    It needs `programs` on the path and `packages` (distributions) in this Python; `source` says
    where those come from. `counts` tells whether it keeps `Setting.limit`.
    """

    name: str
    job: str
    what: str
    begin: Callable[[Setting], tuple[Server, Job]]
    yardstick: str = ""
    programs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    source: str = ""
    counts: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """What of its needs is not installed."""
        programs = [each for each in self.programs if find(each) is None]
        return (*programs, *(each for each in self.packages if _package(each) is None))

    def versions(self) -> dict[str, str]:
        """Return the versions of what it needs, as they name themselves."""
        found = {each: _program(each) for each in self.programs}
        return found | {each: _package(each) or "" for each in self.packages}


def _package(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _program(name: str) -> str:
    """Ask a program for its version: each of ours knows one of the three usual ways."""
    for word in ("-v", "--version", "version"):
        done = _output([find(name) or name, word])
        found = VERSION.search(done)
        if found:
            return found.group()
    return ""


def _output(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return "" if done.returncode else done.stdout + done.stderr

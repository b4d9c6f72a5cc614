"""Load by wrk, which says what it saw as one line of JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.load.machine import CLIENT_CORE

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPT = Path(__file__).with_name("report.lua")


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked, again and again."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run saw. Latencies are microseconds; `failed` are answers that are not 2xx or 3xx."""

    requests: int
    seconds: float
    failed: int
    p50: float
    p99: float
    p999: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def available() -> bool:
    """Tell whether wrk is installed."""
    return shutil.which("wrk") is not None


def run(job: Job, *, connections: int, seconds: float) -> Seen:
    """Ask for so long over so many connections, pinned to the client's core."""
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s"]
    command += ["-s", str(SCRIPT)]
    for name, value in (job.headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run(
        [*command, job.url, "--", job.method], capture_output=True, check=True, text=True
    )
    return parse(done.stdout)


def parse(output: str) -> Seen:
    """Read what the script printed. Raises `ValueError` if it printed nothing."""
    for line in output.splitlines():
        if line.startswith("{"):
            return Seen(**json.loads(line))
    raise ValueError(f"wrk reported nothing: {output[:200]!r}")

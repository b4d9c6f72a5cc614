"""Load by wrk, which says what it saw as one line of JSON."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.load.machine import CLIENT_CORE

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPT = Path(__file__).with_name("report.lua")

PATIENCE = "20s"
"""How long an answer may take before wrk counts it as failed."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked, again and again; by the bearer tokens of a file in turn, if there is one."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    tokens: Path | None = None
    body: int = 0
    """Bytes of the request's body."""

    @property
    def turns(self) -> int:
        """How many requests it takes until each token had its turn."""
        return 1 if self.tokens is None else len(self.tokens.read_text().split())


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


def run(job: Job, *, connections: int, seconds: int) -> Seen:
    """Ask for so many whole seconds over so many connections, pinned to the client's core."""
    command = ["taskset", "-c", str(CLIENT_CORE), "wrk", "-t1", f"-c{connections}"]
    command += [f"-d{seconds}s", "--timeout", PATIENCE, "-s", str(SCRIPT)]
    for name, value in job.headers.items():
        command += ["-H", f"{name}: {value}"]
    command += [job.url, "--", job.method, str(job.body)]
    if job.tokens is not None:
        command.append(str(job.tokens))
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return parse(done.stdout)


def parse(output: str) -> Seen:
    """Read what the script printed. Raises `ValueError` if it printed nothing."""
    for line in output.splitlines():
        if line.startswith("{"):
            return Seen(**json.loads(line))
    raise ValueError(f"wrk reported nothing: {output[:200]!r}")

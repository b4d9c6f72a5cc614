"""Rounds in which each contender runs once, so that a drifting machine drifts for all of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.load import wrk
from bench.load.machine import START_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.load.contender import Contender
    from bench.load.machine import Server
    from bench.load.wrk import Job, Seen

NOISY = 0.2
"""A round is dropped in which a yardstick is further than this from its median over all rounds."""

CONNECTIONS = 64
WARM_SECONDS, WARM_TRIES = 1, 20


@dataclass
class Run:
    """A contender at work, and what it showed in each round."""

    contender: Contender
    server: Server
    job: Job
    connections: int = CONNECTIONS
    start_seconds: float = 0.0
    """From the start of its process to its first good answer."""

    seen: list[Seen] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """CPU seconds of all its processes in each round."""

    memory: list[list[int]] = field(default_factory=list)
    """Bytes of each of its processes at the end of each round."""


@dataclass(frozen=True, slots=True)
class Result:
    """Medians over the rounds that count; `failed` is the sum over them.

    Rates are requests a second, latencies and CPU time (per request) microseconds. `memory_mb` is
    that of all processes, `process_mb` that of the largest.
    """

    name: str
    job: str
    what: str
    rate: float
    ratio: float | None
    cpu: float
    p50: float
    p99: float
    p999: float
    memory_mb: float
    process_mb: float
    start_seconds: float
    failed: int


def wait_for_answer(server: Server, job: Job, whose: str) -> float:
    """Ask until the first good answer; return the seconds it took from the server's start.

    Raises `RuntimeError` if there is none for too long.
    """
    place = urlsplit(job.url)
    while time.monotonic() < server.began + START_SECONDS:
        asking = HTTPConnection(place.hostname or "", place.port, timeout=5)
        try:
            asking.request(job.method, place.path, headers=dict(job.headers))
            if asking.getresponse().status < 400:
                return time.monotonic() - server.began
        except (OSError, HTTPException):
            time.sleep(0.005)
        finally:
            asking.close()
    raise RuntimeError(f"{whose} gives no good answer")


def play(runs: Sequence[Run], *, rounds: int, seconds: int, told: Callable[[], None]) -> None:
    """Run all rounds; `told` is called after each run of each contender."""
    for run in {(id(run.server), run.job.url): run for run in runs}.values():
        warm(run)
    for _ in range(rounds):
        for run in runs:
            before = run.server.cpu_seconds()
            run.seen.append(wrk.run(run.job, connections=run.connections, seconds=seconds))
            run.cpu.append(run.server.cpu_seconds() - before)
            run.memory.append(run.server.memory_bytes())
            told()


def warm(run: Run) -> None:
    """Fill leases, pools and caches: ask for a second, or until each key had two turns."""
    asked = 0
    for _ in range(WARM_TRIES):
        seen = wrk.run(run.job, connections=min(run.connections, CONNECTIONS), seconds=WARM_SECONDS)
        asked += seen.requests
        if asked >= 2 * run.job.turns:
            return


def quiet_rounds(rates: Mapping[str, Sequence[float]]) -> list[int]:
    """Return the rounds in which every yardstick was near its median; all, if none was."""
    count = min(len(each) for each in rates.values())
    middles = {name: median(each) for name, each in rates.items()}
    quiet = [
        at
        for at in range(count)
        if all(
            abs(each[at] - middles[name]) <= NOISY * middles[name] for name, each in rates.items()
        )
    ]
    return quiet or list(range(count))


def kept(runs: Sequence[Run]) -> list[int]:
    """Return the rounds that count: those in which no yardstick was off."""
    yardsticks = [run for run in runs if not run.contender.yardstick]
    return quiet_rounds(
        {str(at): [each.rate for each in run.seen] for at, run in enumerate(yardsticks or runs)}
    )


def results(runs: Sequence[Run]) -> list[Result]:
    """Return each contender's medians, and its ratio to its yardstick."""
    quiet = kept(runs)
    rates = {run.contender.name: _rate(run, quiet) for run in runs}
    return [_result(run, quiet, rates.get(run.contender.yardstick)) for run in runs]


def _result(run: Run, quiet: Sequence[int], yardstick: float | None) -> Result:
    seen = [run.seen[at] for at in quiet]
    rate = _rate(run, quiet)
    return Result(
        name=run.contender.name,
        job=run.contender.job,
        what=run.contender.what,
        rate=rate,
        ratio=rate / yardstick if yardstick else None,
        cpu=median([run.cpu[at] / max(1, run.seen[at].requests) * 1e6 for at in quiet]),
        p50=median([each.p50 for each in seen]),
        p99=median([each.p99 for each in seen]),
        p999=median([each.p999 for each in seen]),
        memory_mb=median([sum(run.memory[at]) for at in quiet]) / 1e6,
        process_mb=median([max(run.memory[at]) for at in quiet]) / 1e6,
        start_seconds=run.start_seconds,
        failed=sum(each.failed for each in seen),
    )


def _rate(run: Run, quiet: Sequence[int]) -> float:
    return median([run.seen[at].rate for at in quiet])

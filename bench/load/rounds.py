"""Rounds in which each contender runs once, so that a drifting machine drifts for all of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.load import wrk
from bench.load.machine import START_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.load.contenders import Contender
    from bench.load.machine import Server
    from bench.load.wrk import Job, Seen

NOISY = 0.2
"""A round is dropped in which a yardstick is further than this from its median over all rounds."""


@dataclass
class Run:
    """A contender at work, and what it showed in each round."""

    contender: Contender
    server: Server
    job: Job
    seen: list[Seen] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """CPU seconds of the server in each round."""

    start_seconds: float = 0.0
    """From the start of its process to its first good answer."""


@dataclass(frozen=True, slots=True)
class Result:
    """Medians over the rounds that count. Times are microseconds, unless they are named otherwise."""

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
    start_seconds: float
    failed: int


def wait_for_answer(run: Run) -> None:
    """Ask until the first good answer. Raises `RuntimeError` if there is none for too long."""
    place = urlsplit(run.job.url)
    while time.monotonic() < run.server.began + START_SECONDS:
        asking = HTTPConnection(place.hostname or "", place.port, timeout=5)
        try:
            asking.request(run.job.method, place.path, headers=dict(run.job.headers or {}))
            if asking.getresponse().status < 400:
                run.start_seconds = time.monotonic() - run.server.began
                return
        except OSError:
            time.sleep(0.005)
        finally:
            asking.close()
    raise RuntimeError(f"{run.contender.name} gives no good answer")


def play(
    runs: Sequence[Run], *, rounds: int, connections: int, seconds: float, told: Callable[[], None]
) -> None:
    """Run all rounds; `told` is called after each run of each contender."""
    for run in runs:
        wrk.run(run.job, connections=connections, seconds=1)  # Warm: leases, pools, caches.
    for _ in range(rounds):
        for run in runs:
            before = run.server.cpu_seconds()
            run.seen.append(wrk.run(run.job, connections=connections, seconds=seconds))
            run.cpu.append(run.server.cpu_seconds() - before)
            told()


def quiet_rounds(rates: Mapping[str, Sequence[float]]) -> list[int]:
    """Return the rounds in which every yardstick was near its median; all, if none was."""
    count = min(len(each) for each in rates.values())
    middles = {name: median(each) for name, each in rates.items()}
    quiet = [
        at
        for at in range(count)
        if all(abs(each[at] / middles[name] - 1) <= NOISY for name, each in rates.items())
    ]
    return quiet or list(range(count))


def results(runs: Sequence[Run]) -> list[Result]:
    """Return each contender's medians, and its ratio to its yardstick."""
    rates = {r.contender.name: [s.rate for s in r.seen] for r in runs if not r.contender.yardstick}
    quiet = quiet_rounds(rates)
    found: list[Result] = []
    by_name: dict[str, float] = {}
    for run in runs:
        seen = [run.seen[at] for at in quiet]
        rate = by_name[run.contender.name] = median([each.rate for each in seen])
        yardstick = by_name.get(run.contender.yardstick)
        found.append(
            Result(
                run.contender.name,
                run.contender.job,
                run.contender.what,
                rate,
                None if yardstick is None else rate / yardstick,
                median([run.cpu[at] / run.seen[at].requests * 1e6 for at in quiet]),
                median([each.p50 for each in seen]),
                median([each.p99 for each in seen]),
                median([each.p999 for each in seen]),
                run.server.memory_bytes() / 1e6,
                run.start_seconds,
                sum(each.failed for each in seen),
            )
        )
    return found

"""How the figures grow: with the keys in the store, with connections, with bodies, with workers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.load import keystore
from bench.load.contender import Setting
from bench.load.rounds import CONNECTIONS, Result, Run, play, results, wait_for_answer
from bench.load.servers import gateway, nginx, stores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.load.contender import Contender
    from bench.load.machine import Server
    from bench.load.wrk import Job

KEYS = (1, 1_000, 100_000, 1_000_000)
CONNECTED = (1, 16, 64, 256, 1_024, 4_096)
BODIES = (1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20)
WORKERS = (1, 2, 4, 8)
BODY_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Point:
    """What one server showed at one place of a curve."""

    curve: str
    x: int
    result: Result


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a curve plays: its files, the API behind, and whom to tell of servers to be stopped."""

    folder: Path
    upstream_port: int
    started: Callable[[Server], object]

    @property
    def setting(self) -> Setting:
        """The setting its contenders begin in."""
        return Setting(self.folder, self.upstream_port)

    def begin(self, contender: Contender) -> Run:
        """Start a contender and wait until it answers."""
        server, job = contender.begin(self.setting)
        return self.ready(contender, server, job)

    def ready(self, contender: Contender, server: Server, job: Job) -> Run:
        """Return the run of a server that was started, once it answers."""
        self.started(server)
        return Run(
            contender, server, job, start_seconds=wait_for_answer(server, job, contender.name)
        )


Steps = list[tuple[int, list[Run]]]
"""The runs at each place of a curve. One server may run at several."""


def of_keys(stage: Stage, sizes: Sequence[int] = KEYS) -> Steps:
    """Ask with 1,000 keys in turn, spread over stores of more and more."""
    yardstick = stage.begin(nginx.answer())
    steps: Steps = []
    for size in sizes:
        made = keystore.make(stage.folder / f"keys-{size}.db", size)
        server = gateway.serve(made.store, stage.setting)
        run = stage.ready(gateway.authorize(), server, gateway.ask_authorize(server, made.store))
        run.job = replace(run.job, headers={}, tokens=made.tokens)
        steps.append((size, [yardstick, run]))
    return steps


def of_connections(stage: Stage, counts: Sequence[int] = CONNECTED) -> Steps:
    """Ask over more and more connections at once."""
    base = [
        stage.begin(each())
        for each in (nginx.answer, gateway.authorize, nginx.proxy, gateway.proxy)
    ]
    return [(count, [_again(run, connections=count) for run in base]) for count in counts]


def of_bodies(stage: Stage, sizes: Sequence[int] = BODIES) -> Steps:
    """Ask proxies for larger and larger answers."""
    base = [stage.begin(each()) for each in (nginx.proxy, gateway.proxy)]
    steps: Steps = []
    for size in sizes:
        runs = [_again(run, connections=BODY_CONNECTIONS) for run in base]
        for run in runs:
            place = run.job.url.rpartition("/")[0]
            run.job = replace(run.job, url=f"{place}/sized/{size}")
        steps.append((size, runs))
    return steps


def of_uploads(stage: Stage, sizes: Sequence[int] = BODIES) -> Steps:
    """Send larger and larger requests through proxies; the answer is small."""
    base = [stage.begin(each()) for each in (nginx.proxy, gateway.proxy)]
    steps: Steps = []
    for size in sizes:
        runs = [_again(run, connections=BODY_CONNECTIONS) for run in base]
        for run in runs:
            place = run.job.url.rpartition("/")[0]
            run.job = replace(run.job, url=f"{place}/sink", method="POST", body=size)
        steps.append((size, runs))
    return steps


def of_workers(stage: Stage, counts: Sequence[int] = WORKERS) -> Steps:
    """Share one core, and the store, among more and more workers."""
    yardstick = stage.begin(nginx.answer())
    steps: Steps = []
    for count in counts:
        store = gateway.make(stores.sqlite(stage.setting))
        server = gateway.serve(store, stage.setting, count)
        run = stage.ready(gateway.authorize(), server, gateway.ask_authorize(server, store))
        steps.append((count, [yardstick, run]))
    return steps


def curves() -> dict[str, Callable[[Stage], Steps]]:
    """Return all curves by name."""
    return {
        "keys": of_keys,
        "connections": of_connections,
        "bodies": of_bodies,
        "uploads": of_uploads,
        "workers": of_workers,
    }


def trace(
    name: str, steps: Steps, *, rounds: int, seconds: int, told: Callable[[], None]
) -> list[Point]:
    """Play all steps in interleaved rounds, and return what each server showed at each."""
    play(distinct(steps), rounds=rounds, seconds=seconds, told=told)
    return [Point(name, x, result) for x, runs in steps for result in results(runs)]


def distinct(steps: Steps) -> list[Run]:
    """Return every run once, in order."""
    return list({id(run): run for _, runs in steps for run in runs}.values())


def _again(run: Run, *, connections: int = CONNECTIONS) -> Run:
    return Run(run.contender, run.server, run.job, connections, run.start_seconds)

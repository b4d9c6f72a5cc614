"""Runs and results as the load bench has them, made up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bench.load.contender import Contender
from bench.load.machine import Server
from bench.load.rounds import Result, Run
from bench.load.wrk import Job, Seen

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def made_result() -> Callable[..., Result]:
    def make(name: str = "nginx", rate: float = 1000.0, job: str = "proxy") -> Result:
        return Result(name, job, "none", rate, None, 5, 1, 2, 3, 10, 6, 0.1, 0)

    return make


@pytest.fixture
def made_run() -> Callable[..., Run]:
    """Return a maker of runs that saw so many requests in each round of one second."""

    def make(name: str, *requests: int, yardstick: str = "") -> Run:
        server = Server(["none"], (1,), Path())
        job = Job("http://127.0.0.1:1/")
        contender = Contender(name, "proxy", "none", lambda _: (server, job), yardstick)
        seen = [Seen(count, 1.0, 1, 10.0, 20.0, 30.0) for count in requests]
        cpu = [0.5 for _ in requests]
        return Run(contender, server, job, seen=seen, cpu=cpu, memory=[[4, 2] for _ in requests])

    return make

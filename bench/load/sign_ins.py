"""`python -m bench.load.sign_ins`: what 200 sign-ins at once do to the edge's p99, really hashed.

The edge is asked at a fixed pace, and an answer's time counts from when it should have been asked: a
stall is felt by everybody whose turn came in it. The gateway, hashing included, has one core, the
clients another. The sign-ins' forms are fetched beforehand and sent all at once, by a process that gives
way to the one that measures. Idle and busy rounds take turns, and the quietest of each are compared:
whatever else the machine does only adds. The exit code is 1 if their ratio is over 2, or if somebody
was not signed in.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from bench.load.client import Connection, request
from bench.load.crowd import Crowd, fetch, send_all, start_crowd
from bench.load.machine import CLIENT_CORE, free_port, settle, start
from bench.load.servers import gateway
from bench.load.servers.stores import Kept
from dream_gateway.encryption_keys import mint_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.load.crowd import Form
    from bench.load.wrk import Job

MOST_RATIO = 2.0
PACE = 400
"""Requests a second to the edge."""

OK = 200
LONGEST_SECONDS = 600.0
IDLE_SECONDS = 5.0
WARM_SECONDS = 2.0


def main() -> int:
    """Run the rounds, print a line for each, and the verdict."""
    parser = argparse.ArgumentParser(prog="scripts/sign-ins", description=__doc__)
    parser.add_argument("--sign-ins", type=int, default=200, help="how many at once")
    parser.add_argument("--rounds", type=int, default=4)
    asked = parser.parse_args()
    settle()
    os.sched_setaffinity(0, {CLIENT_CORE})
    with tempfile.TemporaryDirectory(prefix="sign-ins-") as name:
        folder, ports = Path(name), (free_port(), free_port())
        store = gateway.make(Kept({"store": f"sqlite:///{folder}/gateway.db"}))
        (folder / "gateway.toml").write_text(_settings(folder, ports))
        command = [sys.executable, "-m", "dream_gateway", "serve"]
        config = {"DREAM_GATEWAY_CONFIG": str(folder / "gateway.toml")}
        server = start(command, ports, folder, config)
        edge = gateway.ask_authorize(server, store)
        page = f"http://127.0.0.1:{ports[1]}/auth/{store.publishable_key}"
        try:
            return uvloop.run(_rounds(edge, page, asked.sign_ins, asked.rounds))
        finally:
            server.stop()


async def _rounds(edge: Job, page: str, count: int, rounds: int) -> int:
    await _paced(edge, WARM_SECONDS)
    emails = [f"user-{number}@example.com" for number in range(count)]
    signed_up = await send_all([await fetch(f"{page}/sign-up", email) for email in emails])
    if set(signed_up) != {303}:
        print(f"sign-ups were answered with {set(signed_up)}")  # noqa: T201 - the report
        return 1
    idle: list[float] = []
    busy: list[float] = []
    for number in range(1, rounds + 1):
        idle.append(_p99(await _paced(edge, IDLE_SECONDS)))
        forms = [await fetch(f"{page}/sign-in", email) for email in emails]
        statuses, seconds, times = await _crowded(edge, forms)
        busy.append(_p99(times))
        print(  # noqa: T201 - the report
            f"round {number}: p99 idle {idle[-1]:.2f} ms, busy {busy[-1]:.2f} ms "
            f"({len(times)} requests); {count} sign-ins in {seconds:.1f} s"
        )
        if set(statuses) != {303}:
            print(f"sign-ins were answered with {set(statuses)}")  # noqa: T201 - the report
            return 1
    ratio = min(busy) / min(idle)
    print(f"p99 busy / idle: {ratio:.2f}, at most {MOST_RATIO}")  # noqa: T201 - the report
    return int(ratio > MOST_RATIO)


async def _crowded(edge: Job, forms: list[Form]) -> tuple[list[int], float, list[float]]:
    """Send the forms, and ask the edge until all are answered."""
    crowd = await start_crowd(forms)
    began = time.perf_counter()
    pace = Pace(edge)
    statuses, _ = await asyncio.gather(_ended(crowd, pace), pace.run(LONGEST_SECONDS))
    return statuses, time.perf_counter() - began, pace.times


async def _ended(crowd: Crowd, pace: Pace) -> list[int]:
    statuses = await crowd.statuses()
    pace.stop()
    return statuses


async def _paced(edge: Job, seconds: float) -> list[float]:
    pace = Pace(edge)
    await pace.run(seconds)
    return pace.times


class Pace:
    """Asks one job at a fixed pace; `times` are seconds from when each was due to its answer."""

    def __init__(self, job: Job) -> None:
        self.times: list[float] = []
        self._url = job.url
        self._sent = request(job.method, job.url, job.headers)
        self._idle: list[Connection] = []
        self._stopped = False

    def stop(self) -> None:
        """Ask nothing more."""
        self._stopped = True

    async def run(self, seconds: float) -> None:
        """Ask for so long, or until stopped. Raises `OSError` for an answer that does not come."""
        loop = asyncio.get_running_loop()
        began = due = time.perf_counter()
        asking: set[asyncio.Task[None]] = set()
        while due < began + seconds and not self._stopped:
            await asyncio.sleep(due - time.perf_counter())
            task = loop.create_task(self._ask(due))
            asking.add(task)
            task.add_done_callback(asking.discard)
            due += 1 / PACE
        await asyncio.gather(*asking)
        for connection in self._idle:
            connection.close()

    async def _ask(self, due: float) -> None:
        connection = self._idle.pop() if self._idle else Connection(self._url)
        answer = await connection.ask(self._sent)
        self.times.append(time.perf_counter() - due)
        self._idle.append(connection)
        if answer.status != OK:
            raise RuntimeError(f"the edge answered {answer.status}")


def _settings(folder: Path, ports: tuple[int, int]) -> str:
    """Return a configuration with everything as it is by default, but for the limits on attempts."""
    return f"""\
store = "sqlite:///{folder}/gateway.db"
port = {ports[0]}
service_port = {ports[1]}
upstream = "http://127.0.0.1:{ports[1]}"
encryption_keys = ["{mint_key()}"]
[plugins.local]
verify_email = false
address_rate = 1000000
account_rate = 1000000
"""


def _p99(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=100)[98] * 1000


if __name__ == "__main__":
    sys.exit(main())

"""Nodes: gateways as on machines of their own, each with its own folder of journals."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TRACEBACK = re.compile(r"^Traceback .*\n(?:[ \n].*\n?)*(.*)", re.MULTILINE)
START_SECONDS = 60.0
STOP_SECONDS = 30.0
LEASE_SECONDS = "0.5"
"""Small leases, so that a short trial asks the ledger often."""


@dataclass(eq=False)
class Node:
    """One node. `stores` are the settings that say where everything is kept."""

    folder: Path
    stores: Mapping[str, str]
    workers: int
    environ: Mapping[str, str] = field(default_factory=dict)
    edge: str = ""
    service: str = ""
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, at the ports it had before, and wait until it accepts. Raises `RuntimeError`."""
        self.folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "dream_gateway", "serve", "--json"]
        command += ["--workers", str(self.workers), "--port", _port(self.edge)]
        command += ["--service-port", _port(self.service)]
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, stdout=subprocess.PIPE, stderr=log, env=self._environ()
            )
        assert self.process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError((self.folder / "log").read_text()[-2000:])
        ready = json.loads(line)
        self.edge, self.service = ready["edge"], ready["service"]

    async def stop(self) -> int:
        """Drain it; return its exit code."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await self.process.wait()
        except TimeoutError:
            await self.kill()
            return -signal.SIGKILL

    async def kill(self) -> None:
        """Kill all its processes at once, as a machine that loses its power would."""
        for pid in (self._supervisor(), *self.worker_pids()):
            _send(pid, signal.SIGKILL)
        if self.process is not None:
            await self.process.wait()

    def kill_worker(self) -> None:
        """Kill one of its workers."""
        for pid in self.worker_pids()[:1]:
            _send(pid, signal.SIGKILL)

    def reload(self) -> None:
        """Have it read its settings again."""
        _send(self._supervisor(), signal.SIGHUP)

    def log(self) -> str:
        """Return what it has logged."""
        return (self.folder / "log").read_text()

    def worker_pids(self) -> list[int]:
        """Return the process ids of its workers."""
        pid = self._supervisor()
        try:
            return [
                int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            ]
        except OSError:
            return []

    def raised(self) -> list[str]:
        """Return the last lines of the tracebacks in its log: what nobody had thought of."""
        text = self.log()
        return [found[1] for found in TRACEBACK.finditer(text)]

    async def command(self, *words: str) -> dict[str, str]:
        """Run one command of the command line on its stores; return its answer."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "dream_gateway", *words, "--json",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self._environ(),
        )  # fmt: skip
        output, errors = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(errors.decode())
        found: dict[str, str] = json.loads(output.splitlines()[-1])
        return found

    def _supervisor(self) -> int:
        assert self.process is not None
        return self.process.pid

    def _environ(self) -> dict[str, str]:
        own = {f"DREAM_GATEWAY_{name.upper()}": url for name, url in self.stores.items()}
        own["DREAM_GATEWAY_LEASE_SECONDS"] = LEASE_SECONDS
        return {**os.environ, **own, **self.environ, "XDG_STATE_HOME": str(self.folder)}


def _port(url: str) -> str:
    return url.rpartition(":")[2] or "0"


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it was faster

"""Processes under test: started on one core, measured by the kernel's own figures, ended by pid."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVER_CORE, CLIENT_CORE = "0", "1"
"""Servers and what is behind them share one core; what asks has the other."""

START_SECONDS = 20.0
TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Return a port of loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A started server. `began` is when, in monotonic seconds."""

    process: subprocess.Popen[bytes]
    ports: tuple[int, ...]
    began: float

    def cpu_seconds(self) -> float:
        """Return the CPU time of all of its processes so far."""
        return sum(_cpu_seconds(pid) for pid in _tree(self.process.pid))

    def memory_bytes(self) -> int:
        """Return the resident memory of all of its processes."""
        return sum(_memory_bytes(pid) for pid in _tree(self.process.pid))

    def stop(self) -> None:
        """End it, gently and then not."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(
    command: Sequence[str],
    ports: tuple[int, ...],
    folder: Path,
    environ: Mapping[str, str] | None = None,
) -> Server:
    """Start a server pinned to the servers' core, and wait until it accepts on all of its ports.

    Raises `RuntimeError` with what it printed if it does not.
    """
    log = folder / f"{Path(command[0]).name}-{ports[0]}.log"
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(environ or {})},
        )
    server = Server(process, ports, began)
    for port in ports:
        if not _accepts(port, process):
            server.stop()
            raise RuntimeError(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")
    return server


def _accepts(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        time.sleep(0.01)
    return False


def _tree(pid: int) -> list[int]:
    """Return a process and all of its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += _tree(int(child))
    return found


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

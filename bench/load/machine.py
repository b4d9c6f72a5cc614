"""Processes under test: started on one core, measured by the kernel's own figures, ended by pid."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVER_CORE, CLIENT_CORE = 0, 1
"""Servers have one core; what asks, and the API behind them, share the other."""

START_SECONDS = 20.0
TICKS = os.sysconf("SC_CLK_TCK")


def settle() -> None:
    """Pin this process to the clients' core, and let it and its children open all files allowed."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {CLIENT_CORE})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def find(program: str) -> str | None:
    """Return where a program is: beside this Python, or on the path."""
    return shutil.which(program, path=_path())


def free_port() -> int:
    """Return a port of loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A started server. `began` is when, in monotonic seconds; `beside` is what it needs to run."""

    command: Sequence[str]
    ports: tuple[int, ...]
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[Server, ...] = ()
    core: int = SERVER_CORE

    def start(self) -> None:
        """Start it on its core, and wait until it accepts on all of its ports.

        Raises `RuntimeError` with what it printed if it does not.
        """
        log = self.folder / f"{Path(self.command[0]).name}-{self.ports[0]}.log"
        self.began = time.monotonic()
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(self.core), *self.command],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, "PATH": _path(), **self.environ},
            )
        for port in self.ports:
            if not _accepts(port, self.process):
                self.stop()
                raise RuntimeError(f"{self.command[0]} did not start:\n{log.read_text()[-2000:]}")

    def cpu_seconds(self) -> float:
        """Return the CPU time of all of its processes so far, and of what is beside it."""
        own = sum(_cpu_seconds(pid) for pid in _tree(self.process.pid))
        return own + sum(each.cpu_seconds() for each in self.beside)

    def memory_bytes(self) -> list[int]:
        """Return the resident memory of each of its processes, and of what is beside it."""
        own = [_memory_bytes(pid) for pid in _tree(self.process.pid)]
        return own + [size for each in self.beside for size in each.memory_bytes()]

    def kill(self) -> None:
        """End all of its processes at once by SIGKILL; what is beside it lives on."""
        for pid in _tree(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it gently, and if it does not end, by SIGKILL; then what is beside it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        for each in self.beside:
            each.stop()


def start(
    command: Sequence[str],
    ports: tuple[int, ...],
    folder: Path,
    environ: Mapping[str, str] | None = None,
    *,
    beside: tuple[Server, ...] = (),
    core: int = SERVER_CORE,
) -> Server:
    """Return a server that was started. Raises `RuntimeError` with what it printed if it was not."""
    server = Server(command, ports, folder, environ or {}, beside, core)
    server.start()
    return server


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _accepts(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 1) as probe,
        ):
            if probe.getsockname() != probe.getpeername():  # A free port may connect to itself.
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

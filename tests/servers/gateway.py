"""A gateway as people start it: `dream-gateway serve` on a configuration file, in its own processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = (sys.executable, "-m", "dream_gateway")
LOG_CHARACTERS = 10_000
"""So much of a log's end is shown."""


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that listens: `edge` and `service` are its URLs, `process` is its supervisor.

    `log` is the file of what it writes to standard error, and to standard output once it has ended.
    """

    edge: str
    service: str
    process: subprocess.Popen[str]
    log: Path

    def worker_pids(self) -> list[int]:
        """Return the process ids of its workers; none once it has ended."""
        pid = self.process.pid
        try:
            listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return []
        return [int(each) for each in listed.split()]

    def stop(self) -> int:
        """Have it drain, and return its exit code; one that does not end in time is killed."""
        if self.process.poll() is None:
            self.process.terminate()
        return self._ended()

    def kill(self) -> None:
        """Kill all its processes at once, as a machine that loses its power would."""
        for pid in (self.process.pid, *self.worker_pids()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._ended()

    def _ended(self) -> int:
        assert self.process.stdout is not None
        if self.process.stdout.closed:
            return self.process.returncode
        try:
            written, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        else:
            _append(self.log, written)
        return self.process.returncode


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder with a configuration file, and the program that runs there.

    `environ` is added to the environment, of which nothing that configures a gateway is left.
    """

    folder: Path
    program: Sequence[str] = PROGRAM
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "gateway.toml"

    @property
    def log(self) -> Path:
        """The file of what gateways that are started here write, one after the other."""
        return self.folder / "log"

    @property
    def environment(self) -> dict[str, str]:
        """What its processes find in their environment."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("DREAM_GATEWAY_")}
        own = {"DREAM_GATEWAY_CONFIG": str(self.config), "XDG_STATE_HOME": str(self.folder)}
        return {**kept, **own, **self.environ}

    def command(self, *words: str) -> Any:
        """Run one command to its good end, and return what it answers. Raises `RuntimeError`."""
        done = subprocess.run(
            [*self.program, *words, "--json"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def create_platform(self, *tiers: str, name: str = "acme") -> dict[str, str]:
        """Create a platform with tiers as `--tier` takes them; return its project's id and keys."""
        options = [word for tier in tiers for word in ("--tier", tier)]
        made: dict[str, str] = self.command("platform", "create", "--name", name, *options)
        return made

    def create_customer(self, project: str, customer: str) -> dict[str, str]:
        """Create a customer with a key; return both ids, and the key."""
        whose = ("--project", project)
        made: dict[str, str] = self.command("customer", "create", "--id", customer, *whose)
        key: dict[str, str] = self.command("key", "create", "--customer", customer, *whose)
        return made | key

    def start(self) -> Served:
        """Start a gateway, whose end is the caller's to bring about, and wait until it listens.

        Raises `RuntimeError` with its log if it does not.
        """
        with self.log.open("a") as errors:
            process = subprocess.Popen(
                [*self.program, "serve", "--json"],
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert process.stdout is not None
        too_late = threading.Timer(PATIENCE_SECONDS, process.kill)
        too_late.start()
        line = process.stdout.readline()
        too_late.cancel()
        if not line:
            process.communicate()
            raise RuntimeError(f"no gateway listens:\n{_end_of(self.log)}")
        told = json.loads(line)
        return Served(told["edge"], told["service"], process, self.log)

    @contextlib.contextmanager
    def serving(self) -> Iterator[Served]:
        """Serve, and drain in the end, which must be a good one unless somebody ended it before."""
        gateway = self.start()
        try:
            yield gateway
        except BaseException as error:
            gateway.stop()
            error.add_note(f"the gateway's log:\n{_end_of(self.log)}")
            raise
        if gateway.process.poll() is None:
            assert gateway.stop() == 0, _end_of(self.log)


def installation(
    folder: Path,
    program: Sequence[str] = PROGRAM,
    environ: Mapping[str, str] | None = None,
    **settings: object,
) -> Installation:
    """Write settings to a folder's configuration file: by default, free ports and an SQLite file."""
    made = Installation(folder, program, environ or {})
    own = {"store": f"sqlite:///{folder}/dream.db", "port": 0, "service_port": 0, **settings}
    made.config.write_text("".join(f"{name} = {toml(value)}\n" for name, value in own.items()))
    return made


def toml(value: object) -> str:
    """Return a setting's value as TOML has it; tables are inline."""
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(name)} = {toml(each)}" for name, each in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def _append(log: Path, written: str) -> None:
    with log.open("a") as file:
        file.write(written)


def _end_of(log: Path) -> str:
    return log.read_text()[-LOG_CHARACTERS:]

"""`dream-gateway serve` and `demo`, as processes of their own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Spawn = Callable[..., subprocess.Popen[str]]

COMMAND = (sys.executable, "-c", "from dream_gateway.cli import main; main()")
LIMIT_SECONDS = 60.0


@pytest.fixture
def spawn(store: str) -> Iterator[Spawn]:
    """Return a function that starts a command; whatever still runs in the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _first_line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return json.loads(line)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _serve(spawn: Spawn) -> subprocess.Popen[str]:
    return spawn("serve", "--port", "0", "--service-port", "0", "--json")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_listens_and_ends_well_when_told_to(
    spawn: Spawn, number: signal.Signals
) -> None:
    process = _serve(spawn)
    listening = _first_line(process)
    for plane in ("edge", "service"):
        host, port = listening[plane].removeprefix("http://").split(":")
        socket.create_connection((host, int(port)), timeout=LIMIT_SECONDS).close()
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, out, err) == (0, "", "")


def test_sigusr1_has_the_access_log_go_on_in_a_new_file(
    spawn: Spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "access.log"
    monkeypatch.setenv("DREAM_GATEWAY_ACCESS_LOG_FILE", str(path))
    process = spawn("serve", "--port", "0", "--service-port", "0", "--access-log", "--json")
    _first_line(process)
    path.rename(tmp_path / "access.log.1")
    process.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + LIMIT_SECONDS
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LIMIT_SECONDS)
    assert (path.exists(), process.returncode) == (True, 0)


def test_a_port_in_use_is_one_line(spawn: Spawn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = spawn("serve", "--port", port, "--service-port", "0")
        out, err = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("error: address_in_use: ")
    assert port in err
    assert err.count("\n") == 1


def test_a_store_of_no_known_kind_is_one_line(spawn: Spawn) -> None:
    process = spawn("serve", "--port", "0", "--service-port", "0", "--store", "nosuch://db")
    out, err = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("error: configuration_error: ")
    assert err.count("\n") == 1


def test_workers_end_when_their_supervisor_is_killed(spawn: Spawn) -> None:
    process = _serve(spawn)
    _first_line(process)
    (worker,) = _children(process.pid)
    process.kill()
    process.wait(timeout=LIMIT_SECONDS)
    deadline = time.monotonic() + LIMIT_SECONDS
    # It is not our child, so its end is no event here.
    while _is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_running(worker)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_demo_ends_with_a_limit_that_follows_the_money(
    spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STRIPE_SECRET_KEY", raising=False)
    process = spawn("demo", "--once", "--port", "0", "--service-port", "0", "--json")
    out, err = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, err) == (0, "")
    told = [json.loads(line) for line in out.splitlines()]
    verdicts = [line for line in told if line["event"] == "verdict"]
    ada = [line for line in verdicts if line["customer"] == "ada"]
    assert [line["status"] for line in ada] == [200] * 10 + [429, 200]
    *free, paid = ada
    assert free[-1]["code"] == "quota_exceeded"
    assert int(free[-1]["retryAfter"]) > 0
    assert 90_000 < paid["remaining"] < 100_000
    (checkout,) = [line for line in told if line["event"] == "checkout"]
    assert checkout["fake"] is True
    assert checkout["url"].startswith(checkout["stripe"])
    remaining = [line["remaining"] for line in free]
    assert remaining[-1] == 0
    assert remaining == sorted(remaining, reverse=True)
    (grace,) = [line for line in verdicts if line["customer"] == "grace"]
    assert grace["status"] == 200
    (hints,) = [line for line in told if line["event"] == "try"]
    assert all(line.startswith("curl ") for line in hints["commands"])


@pytest.mark.long
def test_the_demo_takes_free_ports_if_its_own_are_taken_and_serves_until_told(
    spawn: Spawn,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = spawn("demo", "--port", port, "--json")
        assert _first_line(process)["event"] == "ports"
        assert process.stdout is not None
        while json.loads(process.stdout.readline())["event"] != "try":
            pass
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["event"] == "over"

"""`dream-gateway serve` and `demo`, as processes of their own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.servers.gateway import PROGRAM, installation
from tests.waiting import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Command = Callable[..., Any]
    Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def spawn(store: str) -> Iterator[Spawn]:
    """Return a function that starts a command; whatever still runs in the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_listens_and_ends_well_when_told_to(
    tmp_path: Path, number: signal.Signals
) -> None:
    gateway = installation(tmp_path).start()
    for url in (gateway.edge, gateway.service):
        host, port = url.removeprefix("http://").split(":")
        socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS).close()
    gateway.process.send_signal(number)
    assert gateway.process.wait(PATIENCE_SECONDS) == 0
    assert (gateway.stop(), gateway.log.read_text()) == (0, "")


def test_sigusr1_has_the_access_log_go_on_in_a_new_file(
    spawn: Spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "access.log"
    monkeypatch.setenv("DREAM_GATEWAY_ACCESS_LOG_FILE", str(path))
    process = spawn("serve", "--port", "0", "--service-port", "0", "--access-log", "--json")
    _first_line(process)
    path.rename(tmp_path / "access.log.1")
    process.send_signal(signal.SIGUSR1)
    until(path.exists, "there is a new file")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0


def test_a_port_in_use_is_one_line(spawn: Spawn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = spawn("serve", "--port", port, "--service-port", "0")
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("error: address_in_use: ")
    assert port in err
    assert err.count("\n") == 1


def test_a_store_of_no_known_kind_is_one_line(spawn: Spawn) -> None:
    process = spawn("serve", "--port", "0", "--service-port", "0", "--store", "nosuch://db")
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("error: configuration_error: ")
    assert err.count("\n") == 1


def test_workers_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    gateway = installation(tmp_path).start()
    (worker,) = gateway.worker_pids()
    gateway.process.kill()
    # It is not our child, so its end is no event here.
    until(lambda: not _is_running(worker), "ended")
    assert gateway.stop() == -signal.SIGKILL


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
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
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
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["event"] == "over"


def test_one_port_for_both_listeners_is_told_as_that(refused: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    ports = ("--host", "127.0.0.1", "--port", port, "--service-port", port)
    line = refused("serve", *ports)
    assert line == (
        f"error: address_in_use: port and service_port are both {port}: "
        "choose another for one of them.\n"
    )

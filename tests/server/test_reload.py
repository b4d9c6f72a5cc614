"""Workers replaced under the same listeners, and a gateway that says it is about to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from tests.waiting import PATIENCE_SECONDS, becomes

from dream_gateway.errors import ConfigurationError
from dream_gateway.server import supervisor, workers
from dream_gateway.server.listeners import open_listeners
from dream_gateway.server.worker_process import start_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from dream_gateway.settings import Settings

    Supervise = Callable[..., AbstractAsyncContextManager[Any]]

ASKED = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
AWAY = 100
"""So far from where they are to go are descriptors moved, so that no move meets another."""


async def status(client: httpx.AsyncClient, url: str) -> int:
    return (await client.get(url)).status_code


async def test_new_workers_have_the_new_settings_and_old_ones_finish(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    changed = msgspec.structs.replace(settings, query_parameter="key", dashboard=False)
    async with (
        supervise(settings, lambda: changed) as running,
        httpx.AsyncClient(timeout=60) as client,
        httpx.AsyncClient(timeout=60) as other,
    ):
        (pid,) = running.supervisor.worker_pids
        page = running.addresses.service + "/dashboard"
        assert (await client.get(page)).status_code != 404
        request = asyncio.create_task(client.get(running.addresses.edge))
        await upstream.reached.wait()
        running.supervisor.reload()
        assert await running.told(0) == "reloaded: 1 workers replaced"
        assert pid not in running.supervisor.worker_pids
        # The old worker accepts for a moment yet; its answers end their connections.
        await becomes(partial(status, other, page), 404)
        assert not request.done()
        upstream.answer.set()
        assert (await request).text == "done"
        assert (await request).headers["connection"] == "close"


async def test_a_stop_that_comes_while_an_old_worker_drains_does_not_hurry_it(
    supervise: Supervise, settings: Settings, upstream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "HANDOVER_SECONDS", 0.1)
    changed = msgspec.structs.replace(settings, lease_max=5)
    async with (
        supervise(settings, lambda: changed) as running,
        httpx.AsyncClient(timeout=60) as client,
    ):
        request = asyncio.create_task(client.get(running.addresses.edge))
        await upstream.reached.wait()
        running.supervisor.reload()
        assert await running.told(0) == "reloaded: 1 workers replaced"
        running.supervisor.stop()
        # A worker that was told twice gives up at once; it is given the time to.
        await asyncio.wait({request}, timeout=1)
        assert not request.done()
        upstream.answer.set()
        assert (await request).text == "done"


async def test_what_cannot_be_changed_or_read_changes_nothing(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    upstream.answer.set()
    outcomes: list[Any] = [
        ConfigurationError("file.toml: not TOML."),
        msgspec.structs.replace(settings, port=1, lease_max=5),
        msgspec.structs.replace(settings, plugins={"nosuch": {}}),
    ]
    words = ["configuration_error: file.toml: not TOML.", "not_reloadable: port", "'nosuch'"]

    def reread() -> Settings:
        found = outcomes.pop(0)
        if isinstance(found, ConfigurationError):
            raise found
        read: Settings = found
        return read

    async with supervise(settings, reread) as running, httpx.AsyncClient(timeout=60) as client:
        before = running.supervisor.worker_pids
        for number, word in enumerate(words):
            running.supervisor.reload()
            assert word in await running.told(number)
            assert running.supervisor.worker_pids == before
            assert (await client.get(running.addresses.edge)).text == "done"


@pytest.mark.long
async def test_a_new_worker_that_is_killed_is_replaced_while_the_old_one_drains(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    changed = msgspec.structs.replace(settings, lease_max=5)
    async with supervise(settings, lambda: changed) as running, httpx.AsyncClient() as client:
        request = asyncio.create_task(client.get(running.addresses.edge, timeout=60))
        await upstream.reached.wait()
        running.supervisor.reload()
        await running.told(0)
        (pid,) = running.supervisor.worker_pids
        os.kill(pid, signal.SIGKILL)
        assert await running.replaced(pid) != pid
        assert not request.done()
        upstream.answer.set()
        assert (await request).text == "done"


async def test_it_is_not_ready_before_it_stops_and_serves_on(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    upstream.answer.set()
    patient = msgspec.structs.replace(settings, drain_delay=600.0)
    async with supervise(patient) as running, httpx.AsyncClient(timeout=60) as client:
        ready = running.addresses.service + "/ready"
        # The feed is followed a moment after connections are accepted.
        await becomes(partial(status, client, ready), 200)
        running.supervisor.stop()
        await becomes(partial(status, client, ready), 503)
        answer = await client.get(running.addresses.edge)
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        running.supervisor.stop()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await running.task


async def test_nothing_is_reloaded_once_it_was_told_to_stop(
    supervise: Supervise, settings: Settings
) -> None:
    patient = msgspec.structs.replace(settings, drain_delay=600.0)
    async with supervise(patient, lambda: patient) as running:
        running.supervisor.stop()
        running.supervisor.reload()
        assert await running.told(0) == "not reloaded: the gateway is stopping"
        running.supervisor.stop()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await running.task


async def test_an_answer_whose_head_kept_the_connection_is_followed_by_one_that_ends_it(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    upstream.heads_first = True
    patient = msgspec.structs.replace(settings, drain_delay=600.0)
    async with supervise(patient) as running, asyncio.timeout(PATIENCE_SECONDS):
        address = httpx.URL(running.addresses.edge)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(ASKED)
        assert b"connection: close" not in (await reader.readuntil(b"\r\n\r\n")).lower()
        running.supervisor.stop()
        async with httpx.AsyncClient(timeout=60) as client:
            await becomes(partial(status, client, f"{running.addresses.service}/ready"), 503)
        upstream.answer.set()
        assert await reader.readexactly(4) == b"done"
        writer.write(ASKED)
        assert b"connection: close" in (await reader.readuntil(b"\r\n\r\n")).lower()
        assert await reader.read() == b"done"
        writer.close()
        running.supervisor.stop()
        await running.task


def test_sockets_for_another_process_are_left_alone(settings: Settings) -> None:
    listeners = open_listeners(settings, {"LISTEN_FDS": "2", "LISTEN_PID": "1"})
    assert not listeners.addresses(settings).edge.endswith(":0")
    listeners.close()


@pytest.mark.parametrize(
    ("number", "names"), [("1", "edge"), ("3", "edge:service:more"), ("2", "edge:edge")]
)
def test_sockets_that_are_not_the_two_are_refused(
    settings: Settings, number: str, names: str
) -> None:
    environ = {"LISTEN_FDS": number, "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": names}
    with pytest.raises(ConfigurationError, match="FileDescriptorName=edge"):
        open_listeners(settings, environ)


@pytest.mark.long
def test_connections_wait_at_sockets_that_are_handed_down_while_the_gateway_is_started_again(
    tmp_path: Any, settings: Settings
) -> None:
    anywhere = ("127.0.0.1", 0)
    with socket.create_server(anywhere) as edge, socket.create_server(anywhere) as service:
        url = f"http://127.0.0.1:{service.getsockname()[1]}/health"
        for _ in range(2):
            child = _activated(edge, service, settings.store, tmp_path)
            # It is connected at once, and answered once a worker is there.
            assert httpx.get(url, timeout=PATIENCE_SECONDS).status_code == 200
            os.kill(child, signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _activated(edge: socket.socket, service: socket.socket, store: str, folder: Any) -> int:
    """Start `serve` as a service manager would; return its process id."""
    # LISTEN_PID is the process's own, so a shell says it and becomes the gateway.
    script = (
        f"exec 3<&{edge.fileno() + AWAY} 4<&{service.fileno() + AWAY}; "
        "export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=edge:service; "
        f"exec {sys.executable} -m dream_gateway serve --store '{store}' > {folder}/out"
    )
    moves = [(os.POSIX_SPAWN_DUP2, s.fileno(), s.fileno() + AWAY) for s in (edge, service)]
    return os.posix_spawn("/bin/bash", ["bash", "-c", script], os.environ, file_actions=moves)


async def test_a_worker_that_is_being_started_gets_the_new_settings(
    supervise: Supervise, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, go_on = asyncio.Event(), asyncio.Event()
    changed = msgspec.structs.replace(settings, dashboard=False)

    async def slowly(*args: Any) -> Any:
        worker = await start_worker(*args)
        held.set()
        await go_on.wait()
        return worker

    async with supervise(settings, lambda: changed) as running, httpx.AsyncClient() as client:
        monkeypatch.setattr(supervisor, "start_worker", slowly)
        (pid,) = running.supervisor.worker_pids
        os.kill(pid, signal.SIGKILL)
        await running.told(0)
        await held.wait()
        running.supervisor.reload()
        assert (await running.told(1)).startswith("reloaded")
        go_on.set()
        page = running.addresses.service + "/dashboard"
        assert (await client.get(page, timeout=60)).status_code == 404


async def test_a_worker_that_dies_in_a_reload_that_fails_is_replaced_by_one_that_starts(
    supervise: Supervise, settings: Settings, upstream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.answer.set()
    held, go_on = asyncio.Event(), asyncio.Event()
    wrong = msgspec.structs.replace(settings, plugins={"nosuch": {}})

    async def slowly(*args: Any) -> Any:
        held.set()
        await go_on.wait()
        return await start_worker(*args)

    async with supervise(settings, lambda: wrong) as running, httpx.AsyncClient() as client:
        monkeypatch.setattr(workers, "start_worker", slowly)
        (pid,) = running.supervisor.worker_pids
        running.supervisor.reload()
        await held.wait()
        os.kill(pid, signal.SIGKILL)
        assert await running.replaced(pid) != pid
        assert (await client.get(running.addresses.edge, timeout=60)).text == "done"
        go_on.set()
        assert "'nosuch'" in await running.told(1)
        assert not running.task.done()
        assert (await client.get(running.addresses.edge, timeout=60)).text == "done"


async def test_a_reload_that_nobody_foresaw_is_told_and_the_next_one_is_done(
    supervise: Supervise, settings: Settings
) -> None:
    foreseen = False

    def reread() -> Settings:
        if not foreseen:
            raise ZeroDivisionError("of a plugin")
        return settings

    async with supervise(settings, reread) as running:
        (pid,) = running.supervisor.worker_pids
        running.supervisor.reload()
        told = await running.told(0)
        assert told.startswith("not reloaded: ZeroDivisionError: of a plugin; ")
        assert running.supervisor.worker_pids == (pid,)
        foreseen = True
        running.supervisor.reload()
        assert (await running.told(1)).startswith("reloaded")
        assert running.supervisor.worker_pids != (pid,)

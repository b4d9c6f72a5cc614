"""The supervisor with real worker processes: ready, drained, hurried, replaced, refused."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.errors import AddressInUseError, ConfigurationError, OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from typing import Any

    from dream_gateway.settings import Settings

    Supervise = Callable[[Settings], AbstractAsyncContextManager[Any]]


async def _refuses(url: str) -> None:
    """Wait until nobody listens there any more."""
    async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient(timeout=60) as client:
        while True:
            try:
                await client.get(url)
            except httpx.ConnectError:
                return
            except (httpx.ReadError, httpx.RemoteProtocolError):
                continue  # It was still in the queue, or idle, when nobody listened any more.


async def test_both_planes_answer_once_it_is_ready(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    upstream.answer.set()
    async with supervise(settings) as running, httpx.AsyncClient(timeout=60) as client:
        assert (await client.get(running.addresses.edge)).text == "done"
        assert (await client.get(running.addresses.service + "/health")).status_code == 200


async def test_a_request_under_way_is_finished_and_no_new_one_is_accepted(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    async with supervise(settings) as running, httpx.AsyncClient(timeout=60) as client:
        request = asyncio.create_task(client.get(running.addresses.edge))
        await upstream.reached.wait()
        running.supervisor.stop()
        await _refuses(running.addresses.service + "/health")
        assert not request.done()
        upstream.answer.set()
        assert (await request).text == "done"
        await running.task
        assert running.events == []


async def test_stopped_twice_it_gives_up_what_is_under_way(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    patient = msgspec.structs.replace(settings, drain_seconds=600.0)
    async with supervise(patient) as running, httpx.AsyncClient(timeout=60) as client:
        request = asyncio.create_task(client.get(running.addresses.edge))
        await upstream.reached.wait()
        running.supervisor.stop()
        running.supervisor.stop()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await running.task
        answer = (await asyncio.gather(request, return_exceptions=True))[0]
        assert isinstance(answer, httpx.TransportError) or answer.status_code >= 500  # type: ignore[union-attr]  # it is one or the other


async def test_a_worker_that_is_killed_is_replaced(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    upstream.answer.set()
    async with supervise(settings) as running, httpx.AsyncClient(timeout=30) as client:
        (pid,) = running.supervisor.worker_pids
        os.kill(pid, signal.SIGKILL)
        assert await running.replaced(pid) != pid
        assert (await client.get(running.addresses.edge)).text == "done"
        assert "SIGKILL" in running.events[0]


async def test_all_workers_share_the_listening_sockets(
    supervise: Supervise, settings: Settings, upstream: Any
) -> None:
    upstream.answer.set()
    two = msgspec.structs.replace(settings, workers=2)
    async with supervise(two) as running, httpx.AsyncClient(timeout=30) as client:
        first, second = running.supervisor.worker_pids
        os.kill(first, signal.SIGSTOP)
        try:
            # Connections go to whichever worker takes them; one that stands still takes none.
            for _ in range(5):
                headers = {"Connection": "close"}
                answer = await client.get(running.addresses.edge, headers=headers)
                assert answer.text == "done"
        finally:
            os.kill(first, signal.SIGCONT)
        assert set(running.supervisor.worker_pids) == {first, second}


@pytest.mark.parametrize("setting", ["port", "service_port"])
async def test_a_port_in_use_is_refused_with_its_number(
    supervise: Supervise, settings: Settings, setting: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        clash = msgspec.structs.replace(settings, **{setting: port})
        with pytest.raises(AddressInUseError, match=rf"127\.0\.0\.1:{port} \({setting}\)"):
            async with supervise(clash):
                pass


async def test_an_address_of_another_machine_is_refused(
    supervise: Supervise, settings: Settings
) -> None:
    elsewhere = msgspec.structs.replace(settings, host="192.0.2.1")
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1:0 \(port\)"):
        async with supervise(elsewhere):
            pass


async def test_a_store_in_memory_is_for_one_worker(
    supervise: Supervise, settings: Settings
) -> None:
    shared = msgspec.structs.replace(settings, store="memory://", workers=2)
    with pytest.raises(ConfigurationError, match="workers is 2"):
        async with supervise(shared):
            pass


async def test_a_worker_that_cannot_start_ends_the_supervisor_with_its_reason(
    supervise: Supervise, settings: Settings
) -> None:
    lost = msgspec.structs.replace(settings, store="nosuch://db")
    with pytest.raises(ConfigurationError, match="'nosuch'"):
        async with supervise(lost):
            pass


async def test_workers_that_die_without_a_word_end_a_supervisor_that_was_never_ready(
    supervise: Supervise, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "dream_gateway.server.worker_process.WORKER_MODULE"
    monkeypatch.setattr(module, "dream_gateway.no_such_worker")
    with pytest.raises(OperatorError, match="exit code 1 before they are ready"):
        async with supervise(settings):
            pass

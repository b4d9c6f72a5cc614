"""`access_log`: what a worker writes of real requests on both planes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from tests.server.conftest import customer_key
from tests.waiting import PATIENCE_SECONDS, eventually
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from dream_gateway.settings import RouteSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from dream_gateway.settings import Settings

    Supervise = Callable[[Settings], AbstractAsyncContextManager[Any]]


async def test_a_line_tells_who_asked_for_what_and_what_became_of_it(
    supervise: Supervise, settings: Settings, upstream: Any, tmp_path: Path
) -> None:
    upstream.answer.set()
    key = await customer_key(settings)
    noted = msgspec.structs.replace(
        settings,
        access_log=True,
        access_log_file=str(tmp_path / "access.log"),
        routes=(RouteSettings(upstreams=(upstream.url,), cost=2),),
    )
    bearer = {"authorization": f"Bearer {key}"}
    async with supervise(noted) as running, httpx.AsyncClient(timeout=60) as client:
        edge = running.addresses.edge
        passed = await client.get(edge + "/a?key=secret", headers=bearer)
        await client.get(edge + "/authorize", headers=bearer)
        await client.post(edge + "/b", content=b"x" * 10)
        await client.get(running.addresses.service + "/health")
    lines = [json.loads(line) for line in (tmp_path / "access.log").read_bytes().splitlines()]
    whole, question, refused, health = lines
    assert (whole["method"], whole["path"], whole["status"]) == ("GET", "/a", 200)
    assert (whole["code"], whole["customer"], whole["cost"]) == ("allowed", "ada", 2)
    assert whole["project"].startswith("prj_")
    assert whole["key"].startswith("key_")
    assert whole["request_id"] == passed.headers["x-request-id"]
    assert 0 < whole["upstream_ms"] <= whole["ms"]
    assert whole["bytes"] > len(passed.content)
    assert (question["path"], question["customer"]) == ("/authorize", "ada")
    assert (refused["status"], refused["code"]) == (401, "missing_credential")
    assert (health["path"], health["status"], health["customer"]) == ("/health", 200, None)


async def test_websockets_and_what_is_not_answered_to_its_end_are_noted_when_they_end(
    supervise: Supervise, settings: Settings, upstream: Any, tmp_path: Path
) -> None:
    key = await customer_key(settings)
    path = tmp_path / "access.log"
    async with serve(_echo, "127.0.0.1", 0) as sockets, _cutting() as cut:
        at = f"http://127.0.0.1:{next(iter(sockets.sockets)).getsockname()[1]}"
        routes = {"/socket": at, "/cut": cut, "/": upstream.url}
        noted = msgspec.structs.replace(
            settings,
            access_log=True,
            access_log_query=True,
            access_log_file=str(path),
            routes=tuple(RouteSettings(prefix=p, upstreams=(u,)) for p, u in routes.items()),
        )
        bearer = {"authorization": f"Bearer {key}"}
        async with supervise(noted) as running, httpx.AsyncClient(timeout=60) as client:
            edge = running.addresses.edge
            url = edge.replace("http", "ws", 1) + f"/socket/a?token={key}"
            async with connect(
                url, additional_headers=bearer, proxy=None, compression=None
            ) as socket:
                await socket.send("x" * 1_000)
                assert await socket.recv() == "x" * 1_000
            await eventually(lambda: len(_lines(path)) == 1, "noted, the first one")
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(edge + "/cut", headers=bearer)
            await eventually(lambda: len(_lines(path)) == 2, "noted, what was cut")
            await _leave(edge, key, upstream)
            await eventually(lambda: len(_lines(path)) == 3, "noted, who left")
            left = await connect(url, additional_headers=bearer, proxy=None)
    await left.wait_closed()
    socket_line, cut_line, gone, drained = _lines(path)
    for each in (socket_line, drained):
        assert (each["path"], each["status"], each["code"]) == ("/socket/a", 101, "allowed")
        assert (each["customer"], each["cost"], each["query"]) == ("ada", 1, "token=***")
    assert socket_line["bytes"] > 1_000
    assert (cut_line["status"], cut_line["code"], cut_line["cost"]) == (200, "upstream_failed", 1)
    assert (gone["status"], gone["code"], gone["cost"]) == (None, "client_gone", 1)
    assert gone["request_id"].startswith("req_")
    assert (gone["bytes"], gone["version"]) == (0, "1.0")
    assert key not in path.read_text()


async def _echo(socket: Any) -> None:
    async for message in socket:
        await socket.send(message)


@contextlib.asynccontextmanager
async def _cutting() -> AsyncIterator[str]:
    """Serve the half of an answer; returns the URL."""

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(half, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _leave(edge: str, key: str, upstream: Any) -> None:
    """Ask, and be gone before there is an answer."""
    host, _, port = edge.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /slow HTTP/1.0\r\nauthorization: Bearer %b\r\n\r\n" % key.encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await upstream.reached.wait()
    writer.close()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines() if line.endswith(b"}")]


async def test_no_line_is_lost_when_the_file_is_given_another_name_under_load(
    supervise: Supervise, settings: Settings, tmp_path: Path
) -> None:
    path, old, asked = tmp_path / "access.log", tmp_path / "access.log.1", 0
    noted = msgspec.structs.replace(settings, access_log=True, access_log_file=str(path), workers=2)

    async def ask(running: Any, done: asyncio.Event) -> int:
        count = 0
        async with httpx.AsyncClient(timeout=60) as client:
            while not done.is_set():
                answer = await client.get(f"{running.addresses.service}/health?{count}")
                count += answer.status_code == 200
        return count

    async with supervise(noted) as running:
        done = asyncio.Event()
        asking = [asyncio.create_task(ask(running, done)) for _ in range(4)]
        await _grown(path, 50)
        path.rename(old)
        running.supervisor.reopen_logs()
        await _grown(path, 50)
        done.set()
        asked = sum(await asyncio.gather(*asking))
    lines = [*old.read_bytes().splitlines(), *path.read_bytes().splitlines()]
    assert [json.loads(line)["path"] for line in lines] == ["/health"] * asked


async def _grown(path: Path, number: int) -> None:
    """Wait until a file has so many lines."""

    def count() -> int:
        return path.read_bytes().count(b"\n") if path.exists() else 0

    await eventually(count, f"{number} lines", holds=lambda found: found >= number)

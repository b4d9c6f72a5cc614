"""`access_log`: what a worker writes of real requests on both planes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
from tests.server.conftest import customer_key
from tests.waiting import eventually

from dream_gateway.settings import RouteSettings

if TYPE_CHECKING:
    from collections.abc import Callable
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
        await _lines(path, 50)
        path.rename(old)
        running.supervisor.reopen_logs()
        await _lines(path, 50)
        done.set()
        asked = sum(await asyncio.gather(*asking))
    lines = [*old.read_bytes().splitlines(), *path.read_bytes().splitlines()]
    assert [json.loads(line)["path"] for line in lines] == ["/health"] * asked


async def _lines(path: Path, number: int) -> None:
    """Wait until a file has so many lines."""

    def count() -> int:
        return path.read_bytes().count(b"\n") if path.exists() else 0

    await eventually(count, f"{number} lines", holds=lambda found: found >= number)

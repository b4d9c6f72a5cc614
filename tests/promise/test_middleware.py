"""The middleware in two processes of an application: exactly the limit passes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from bench.load.client import Connection, request
from tests.servers.ports import free_port
from tests.waiting import status_of, until

if TYPE_CHECKING:
    from conftest import Running  # type: ignore[import-not-found] # pytest's own, beside this file

APP = """
import os
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from dream_gateway.edge.middleware import GatewayMiddleware
from dream_gateway.edge.routes import Route as Priced, RouteTable
from dream_gateway.gateway import Gateway
from dream_gateway.settings import Settings

async def things(request):
    return PlainTextResponse(request.scope["dream_gateway"].customer.external_id)

app = GatewayMiddleware(
    Starlette(routes=[Route("/things", things)]),
    gateway=Gateway(Settings(store=os.environ["STORE"], workers=2)),
    routes=RouteTable([Priced("/", cost=int(os.environ["COST"]))]),
)
"""
LIMIT, REQUESTS, IN_FLIGHT = 500, 3_000, 64


@pytest.mark.parametrize(("cost", "admitted"), [(1, 500), (7, 71)])
async def test_two_processes_admit_exactly_the_limit(
    running: Running, cost: int, admitted: int
) -> None:
    key = await running.furnish(LIMIT)
    (running.folder / "priced.py").write_text(APP)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "priced:app", "--workers", "2"]
    command += ["--port", str(port), "--log-level", "error"]
    environment = {**os.environ, "STORE": running.store, "COST": str(cost)}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=running.folder, env=environment, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}/things"
    numbers = iter(range(REQUESTS))
    statuses: list[int] = []

    async def caller() -> None:
        http, asked = Connection(url), request("GET", url, {"X-API-Key": key})
        statuses.extend([(await http.ask(asked)).status for _ in numbers])
        http.close()

    try:
        await asyncio.to_thread(until, lambda: status_of(url), f"answered at {url}")
        await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    finally:
        process.terminate()
        await process.wait()
    assert set(statuses) == {200, 429}
    assert statuses.count(200) == admitted
    assert await running.used("ada") == admitted * cost

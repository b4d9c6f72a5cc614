"""The metering promise over HTTP: two workers, many requests at once, kills, and exact counts."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from bench.load.client import Connection, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from conftest import Running  # type: ignore[import-not-found] # pytest's own, beside this file

LIMIT = 500
REQUESTS = 3_000
IN_FLIGHT = 64
SETTLE_TRIES = 100


async def load(
    url: str,
    send: Callable[[Connection, int], Awaitable[int | None]],
    requests: int = REQUESTS,
) -> list[int | None]:
    """Send the requests to a server, so many in flight; return the statuses, `None` where none came."""
    numbers = iter(range(requests))
    statuses: list[int | None] = []

    async def caller() -> None:
        connection = Connection(url)
        statuses.extend([await send(connection, number) for number in numbers])
        connection.close()

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return statuses


async def settled(running: Running, customer: str, expected: int) -> int:
    """Return the usage once it is what is expected, or what it is after long enough."""
    used = -1
    for _ in range(SETTLE_TRIES):
        used = await running.used(customer)
        if used == expected:
            break
    return used


class Gate:
    """Lets requests through, and lets one caller have the gateway to itself."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._inside = 0
        self._shut = False

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._shut)
            self._inside += 1
        try:
            yield
        finally:
            async with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._shut)
            self._shut = True
            await self._changed.wait_for(lambda: self._inside == 0)
        try:
            yield
        finally:
            async with self._changed:
                self._shut = False
                self._changed.notify_all()


@pytest.mark.parametrize(
    ("cost", "admitted"), [(1, 500), pytest.param(7, 71, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("door", ["data", "proxy", "authorize", "verify"])
async def test_two_workers_admit_exactly_the_limit(
    running: Running,
    door: str,
    cost: int,
    admitted: int,
) -> None:
    key = await running.furnish(LIMIT)
    await asyncio.to_thread(running.start, 2, routes=[{"prefix": "/", "cost": cost}])
    secret = {
        "Authorization": f"Bearer {running.platform['secretKey']}",
        "Content-Type": "application/json",
    }
    own = {"Authorization": f"Bearer {key}"}

    priced = json.dumps({"cost": cost}).encode()
    spent = json.dumps({"key": key, "cost": cost}).encode()
    service, edge = running.service, running.edge
    asked = {
        "data": request("POST", f"{service}/api/data", {**secret, "X-User-Id": "ada"}, priced),
        "verify": request("POST", f"{service}/api/verify", secret, spent),
        "proxy": request("GET", f"{edge}/things", own),
        "authorize": request("GET", f"{edge}/authorize", {**own, "X-Forwarded-Uri": "/things"}),
    }[door]

    async def send(http: Connection, _: int) -> int:
        answer = await http.ask(asked)
        if door == "verify":
            assert answer.status == 200
            return 200 if json.loads(answer.body)["allowed"] else 429
        return answer.status

    statuses = await load(service if door in ("data", "verify") else edge, send)
    assert set(statuses) == {200, 429}
    assert statuses.count(200) == admitted
    if door == "proxy":
        assert running.upstream.hits == admitted
    assert await settled(running, "ada", admitted * cost) == admitted * cost
    assert await asyncio.to_thread(running.stop) == 0


async def test_workers_killed_ten_times_lose_and_admit_nothing_too_much(running: Running) -> None:
    await running.furnish(LIMIT)
    await asyncio.to_thread(running.start, 2)
    headers = {
        "Authorization": f"Bearer {running.platform['secretKey']}",
        "X-User-Id": "ada",
    }
    kills = 10
    every = REQUESTS // 2 // kills
    asked = request("POST", f"{running.service}/api/data", headers)

    async def send(http: Connection, number: int) -> int | None:
        if number % every == 0 and number < kills * every:
            await running.kill_a_worker()
        try:
            answer = await http.ask(asked)
        except (OSError, EOFError):
            http.close()
            return None
        return answer.status

    statuses = await load(running.service, send, REQUESTS // 2)
    admitted, broken = statuses.count(200), statuses.count(None)
    assert set(statuses) <= {200, 429, None}
    assert admitted <= LIMIT
    assert await asyncio.to_thread(running.stop) == 0
    used = await running.used("ada")
    # A request whose worker died before it answered may have been admitted, or not.
    assert admitted <= used <= min(LIMIT, admitted + broken)


@pytest.mark.long
async def test_what_was_answered_is_what_is_counted_exactly_after_ten_kills(
    running: Running,
) -> None:
    total, kills, gate = 1_000, 10, Gate()
    await running.furnish(total * 2)
    await asyncio.to_thread(running.start, 2)
    headers = {"Authorization": f"Bearer {running.platform['secretKey']}", "X-User-Id": "ada"}
    asked = request("POST", f"{running.service}/api/data", headers)

    async def send(http: Connection, number: int) -> int:
        if number % (total // kills) == total // kills - 1:
            # Leases are out and half spent, but every request that was sent has its answer.
            async with gate.alone():
                await running.kill_a_worker()
        while True:
            try:
                async with gate.request():
                    answer = await http.ask(asked)
            except (OSError, EOFError):
                http.close()
                continue  # Sent on a connection of the dead worker: nobody has seen it.
            return answer.status

    assert await load(running.service, send, total) == [200] * total
    assert await asyncio.to_thread(running.stop) == 0
    assert await running.used("ada") == total


async def test_where_only_success_is_charged_failures_cost_nothing(running: Running) -> None:
    # Room for what is charged, for all in flight, and for what lies in the other worker's leases.
    key = await running.furnish(200)
    await asyncio.to_thread(running.start, 2, routes=[{"prefix": "/", "charge": "success"}])
    own = {"Authorization": f"Bearer {key}"}

    async def send(http: Connection, number: int) -> int:
        path = "ok" if number % 10 == 0 else "fail"
        return (await http.ask(request("GET", f"{running.edge}/{path}", own))).status

    # More fail than the quota has units.
    statuses = await load(running.edge, send, 500)
    assert (statuses.count(200), statuses.count(500)) == (50, 450)
    assert await asyncio.to_thread(running.stop) == 0
    assert await running.used("ada") == 50


@pytest.mark.long
async def test_events_with_a_key_are_counted_once_though_workers_are_killed(
    running: Running,
) -> None:
    await running.furnish(LIMIT)
    await asyncio.to_thread(running.start, 2)
    headers = {
        "Authorization": f"Bearer {running.platform['secretKey']}",
        "X-User-Id": "ada",
    }
    events, kills = 400, 10

    async def send(http: Connection, number: int) -> int:
        if number % (events // kills) == 0:
            await running.kill_a_worker()
        while True:
            try:
                named = {**headers, "Idempotency-Key": f"event-{number}"}
                answer = await http.ask(request("POST", f"{running.service}/api/data", named))
            except (OSError, EOFError):
                http.close()
                continue
            return answer.status

    statuses = await load(running.service, send, events)
    assert statuses == [200] * events
    assert await asyncio.to_thread(running.stop) == 0
    assert await running.used("ada") == events


async def test_a_revoked_key_stops_working_on_every_worker_within_a_second(
    running: Running,
) -> None:
    key = await running.furnish(LIMIT)
    await asyncio.to_thread(running.start, 2)
    project = running.platform["projectId"]
    listed = await asyncio.to_thread(
        running.cli, "key", "list", "--project", project, "--customer", "ada"
    )
    key_id = listed["data"][0]["keyId"] if "data" in listed else listed["keys"][0]["keyId"]
    own = {"Authorization": f"Bearer {key}"}

    async def send(http: Connection, _: int) -> int:
        return (await http.ask(request("GET", f"{running.edge}/authorize", own))).status

    assert await load(running.edge, send, 200) == [200] * 200
    await asyncio.to_thread(running.cli, "key", "revoke", key_id)
    second_is_over = time.monotonic() + 1
    http = Connection(running.edge)
    while time.monotonic() < second_is_over:
        await send(http, 0)
    http.close()
    assert await load(running.edge, send, 200) == [401] * 200


async def test_without_its_journal_a_killed_worker_strands_its_leases_and_no_more(
    running: Running,
) -> None:
    await running.furnish(LIMIT)
    await asyncio.to_thread(running.start, 2)
    headers = {
        "Authorization": f"Bearer {running.platform['secretKey']}",
        "X-User-Id": "ada",
    }
    asked = request("POST", f"{running.service}/api/data", headers)

    async def send(http: Connection, number: int) -> int | None:
        if number == LIMIT // 2:
            for journal in running.folder.glob("*.journal/*.journal"):
                journal.unlink()
            await running.kill_a_worker()
        try:
            answer = await http.ask(asked)
        except (OSError, EOFError):
            http.close()
            return None
        return answer.status

    statuses = await load(running.service, send, REQUESTS // 2)
    admitted, broken = statuses.count(200), statuses.count(None)
    assert await asyncio.to_thread(running.stop) == 0
    used = await running.used("ada")
    # One lease in use and one in reserve, each at most a quarter of the limit for two workers.
    strandable = 2 * LIMIT // 4 // 2
    assert admitted <= used <= LIMIT
    assert used - admitted <= strandable + broken

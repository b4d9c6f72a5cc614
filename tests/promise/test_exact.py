"""The metering promise over HTTP: two workers, many requests at once, kills, and exact counts."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from conftest import Running  # type: ignore[import-not-found] # pytest's own, beside this file

LIMIT = 500
REQUESTS = 3_000
IN_FLIGHT = 64
SETTLE_TRIES = 100


def platform(running: Running, limit: int = LIMIT) -> str:
    """Make a platform with one customer and return their key."""
    running.platform = running.cli(
        "platform", "create", "--name", "shop", "--tier", f"free={limit}/month"
    )
    project = running.platform["projectId"]
    running.cli("customer", "create", "--project", project, "--id", "ada", "--plan", "free")
    made = running.cli("key", "create", "--project", project, "--customer", "ada")
    return str(made["key"])


async def load(
    make: Callable[[], httpx.AsyncClient],
    send: Callable[[httpx.AsyncClient, int], Awaitable[int | None]],
    requests: int = REQUESTS,
) -> list[int | None]:
    """Send the requests, so many in flight; return the statuses, `None` where none came."""
    numbers = iter(range(requests))
    statuses: list[int | None] = []

    async def caller() -> None:
        # One client each: a shared pool spends more time on its own lock than on requests.
        async with make() as client:
            statuses.extend([await send(client, number) for number in numbers])

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return statuses


async def settled(running: Running, customer: str, expected: int) -> int:
    """Return the usage once it is what is expected, or what it is after long enough."""
    used = -1
    for _ in range(SETTLE_TRIES):
        used = await asyncio.to_thread(running.used, customer)
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


@pytest.mark.parametrize(("cost", "admitted"), [(1, 500), (7, 71)])
@pytest.mark.parametrize("door", ["data", "proxy", "authorize", "verify"])
async def test_two_workers_admit_exactly_the_limit(
    running: Running,
    client: Callable[[], httpx.AsyncClient],
    door: str,
    cost: int,
    admitted: int,
) -> None:
    key = await asyncio.to_thread(platform, running)
    running.config.write_text(f"[[routes]]\nprefix = '/'\ncost = {cost}\n")
    await asyncio.to_thread(running.start, 2)
    secret = {"Authorization": f"Bearer {running.platform['secretKey']}"}
    own = {"Authorization": f"Bearer {key}"}

    async def send(http: httpx.AsyncClient, _: int) -> int:
        if door == "data":
            answer = await http.post(
                f"{running.service}/api/data",
                headers={**secret, "X-User-Id": "ada"},
                json={"cost": cost},
            )
        elif door == "verify":
            answer = await http.post(
                f"{running.service}/api/verify", headers=secret, json={"key": key, "cost": cost}
            )
            assert answer.status_code == 200
            return 200 if answer.json()["allowed"] else 429
        elif door == "proxy":
            answer = await http.get(f"{running.edge}/things", headers=own)
        else:
            original = {**own, "X-Forwarded-Uri": "/things"}
            answer = await http.get(f"{running.edge}/authorize", headers=original)
        return answer.status_code

    statuses = await load(client, send)
    assert set(statuses) == {200, 429}
    assert statuses.count(200) == admitted
    if door == "proxy":
        assert running.upstream.hits == admitted
    assert await settled(running, "ada", admitted * cost) == admitted * cost
    assert await asyncio.to_thread(running.stop) == 0


async def test_workers_killed_ten_times_lose_and_admit_nothing_too_much(
    running: Running, client: Callable[[], httpx.AsyncClient]
) -> None:
    await asyncio.to_thread(platform, running)
    await asyncio.to_thread(running.start, 2)
    headers = {
        "Authorization": f"Bearer {running.platform['secretKey']}",
        "X-User-Id": "ada",
    }
    kills = 10
    every = REQUESTS // 2 // kills

    async def send(http: httpx.AsyncClient, number: int) -> int | None:
        if number % every == 0 and number < kills * every:
            running.kill_a_worker()
        try:
            answer = await http.post(f"{running.service}/api/data", headers=headers)
        except httpx.TransportError:
            return None
        return answer.status_code

    statuses = await load(client, send, REQUESTS // 2)
    admitted, broken = statuses.count(200), statuses.count(None)
    assert set(statuses) <= {200, 429, None}
    assert admitted <= LIMIT
    assert await asyncio.to_thread(running.stop) == 0
    used = await asyncio.to_thread(running.used, "ada")
    # A request whose worker died before it answered may have been admitted, or not.
    assert admitted <= used <= min(LIMIT, admitted + broken)


async def test_what_was_answered_is_what_is_counted_exactly_after_ten_kills(
    running: Running, client: Callable[[], httpx.AsyncClient]
) -> None:
    requests, kills, gate = 1_000, 10, Gate()
    await asyncio.to_thread(platform, running, requests * 2)
    await asyncio.to_thread(running.start, 2)
    headers = {"Authorization": f"Bearer {running.platform['secretKey']}", "X-User-Id": "ada"}

    async def send(http: httpx.AsyncClient, number: int) -> int:
        if number % (requests // kills) == requests // kills - 1:
            # Leases are out and half spent, but every request that was sent has its answer.
            async with gate.alone():
                running.kill_a_worker()
        while True:
            try:
                async with gate.request():
                    answer = await http.post(f"{running.service}/api/data", headers=headers)
            except httpx.TransportError:
                continue  # Sent on a connection of the dead worker: nobody has seen it.
            return answer.status_code

    assert await load(client, send, requests) == [200] * requests
    assert await asyncio.to_thread(running.stop) == 0
    assert await asyncio.to_thread(running.used, "ada") == requests


async def test_where_only_success_is_charged_failures_cost_nothing(
    running: Running, client: Callable[[], httpx.AsyncClient]
) -> None:
    key = await asyncio.to_thread(platform, running, 100)
    running.config.write_text("[[routes]]\nprefix = '/'\ncharge = 'success'\n")
    await asyncio.to_thread(running.start, 2)
    own = {"Authorization": f"Bearer {key}"}

    async def send(http: httpx.AsyncClient, number: int) -> int:
        path = "ok" if number % 10 == 0 else "fail"
        return (await http.get(f"{running.edge}/{path}", headers=own)).status_code

    # More fail than the quota has units, but no more at once.
    statuses = await load(client, send, 500)
    assert (statuses.count(200), statuses.count(500)) == (50, 450)
    assert await asyncio.to_thread(running.stop) == 0
    assert await asyncio.to_thread(running.used, "ada") == 50


async def test_events_with_a_key_are_counted_once_though_workers_are_killed(
    running: Running, client: Callable[[], httpx.AsyncClient]
) -> None:
    await asyncio.to_thread(platform, running)
    await asyncio.to_thread(running.start, 2)
    headers = {
        "Authorization": f"Bearer {running.platform['secretKey']}",
        "X-User-Id": "ada",
    }
    events, kills = 400, 10

    async def send(http: httpx.AsyncClient, number: int) -> int:
        if number % (events // kills) == 0:
            running.kill_a_worker()
        while True:
            try:
                answer = await http.post(
                    f"{running.service}/api/data",
                    headers={**headers, "Idempotency-Key": f"event-{number}"},
                )
            except httpx.TransportError:
                continue
            return answer.status_code

    statuses = await load(client, send, events)
    assert statuses == [200] * events
    assert await asyncio.to_thread(running.stop) == 0
    assert await asyncio.to_thread(running.used, "ada") == events


async def test_a_revoked_key_stops_working_on_every_worker_within_a_second(
    running: Running, client: Callable[[], httpx.AsyncClient]
) -> None:
    key = await asyncio.to_thread(platform, running)
    await asyncio.to_thread(running.start, 2)
    project = running.platform["projectId"]
    listed = await asyncio.to_thread(
        running.cli, "key", "list", "--project", project, "--customer", "ada"
    )
    key_id = listed["data"][0]["keyId"] if "data" in listed else listed["keys"][0]["keyId"]
    own = {"Authorization": f"Bearer {key}"}

    async def send(http: httpx.AsyncClient, _: int) -> int:
        return (await http.get(f"{running.edge}/authorize", headers=own)).status_code

    assert await load(client, send, 200) == [200] * 200
    await asyncio.to_thread(running.cli, "key", "revoke", key_id)
    second_is_over = time.monotonic() + 1
    async with client() as http:
        while time.monotonic() < second_is_over:
            await send(http, 0)
    assert await load(client, send, 200) == [401] * 200


async def test_without_its_journal_a_killed_worker_strands_its_leases_and_no_more(
    running: Running, client: Callable[[], httpx.AsyncClient]
) -> None:
    await asyncio.to_thread(platform, running)
    await asyncio.to_thread(running.start, 2)
    headers = {
        "Authorization": f"Bearer {running.platform['secretKey']}",
        "X-User-Id": "ada",
    }

    async def send(http: httpx.AsyncClient, number: int) -> int | None:
        if number == LIMIT // 2:
            for journal in running.folder.glob("*.journal/*.journal"):
                journal.unlink()
            running.kill_a_worker()
        try:
            answer = await http.post(f"{running.service}/api/data", headers=headers)
        except httpx.TransportError:
            return None
        return answer.status_code

    statuses = await load(client, send, REQUESTS // 2)
    admitted, broken = statuses.count(200), statuses.count(None)
    assert await asyncio.to_thread(running.stop) == 0
    used = await asyncio.to_thread(running.used, "ada")
    # One lease in use and one in reserve, each at most a quarter of the limit for two workers.
    strandable = 2 * LIMIT // 4 // 2
    assert admitted <= used <= LIMIT
    assert used - admitted <= strandable + broken

"""Two nodes restarted in turn, and reloaded, while callers ask: nothing lost or admitted twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import httpx
import pytest
from bench.load.client import Connection, request
from chaos.field import CUSTOMER, Field, opened
from chaos.places import places
from tests.servers.balancer import Balancer, haproxy, haproxy_running

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

LIMIT = 1_500
CUSTOMERS = (CUSTOMER, *(f"customer{number}" for number in range(5)))
CALLERS = 12
PAUSE_SECONDS = 0.03
PATIENCE_SECONDS = 60.0
SETTINGS = {"DREAM_GATEWAY_DRAIN_DELAY": "2", "DREAM_GATEWAY_DRAIN_SECONDS": "20"}


class Load:
    """Callers on both planes; what they were answered, by customer and status."""

    def __init__(self, urls: Mapping[str, str], field: Field) -> None:
        self.seen: Counter[tuple[str, int]] = Counter()
        self.lost: list[str] = []
        self._going = True
        self._urls = urls
        self._field = field
        self._tasks = [asyncio.create_task(self._call(number)) for number in range(CALLERS)]

    def admitted(self, customer: str) -> int:
        return self.seen[customer, 200]

    def answered(self) -> int:
        return self.seen.total()

    async def end(self) -> None:
        self._going = False
        await asyncio.gather(*self._tasks)

    async def _call(self, number: int) -> None:
        customer = CUSTOMERS[number % len(CUSTOMERS)]
        sent, connection = self._request(customer)
        while self._going:
            try:
                answer = await connection.ask(sent)
            except (OSError, EOFError) as error:
                self.lost.append(f"{customer}: {error!r}")
                connection.close()
            else:
                self.seen[customer, answer.status] += 1
            await asyncio.sleep(PAUSE_SECONDS)
        connection.close()

    def _request(self, customer: str) -> tuple[bytes, Connection]:
        """Ask the edge for who has a key, and the service for the others."""
        if customer == CUSTOMER:
            url, fields = f"{self._urls['edge']}/authorize", {"X-API-Key": self._field.key}
            return request("GET", url, fields), Connection(url)
        url = f"{self._urls['service']}/api/data"
        fields = {"Authorization": f"Bearer {self._field.secret}", "X-User-Id": customer}
        return request("POST", url, fields), Connection(url)


async def until(holds: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():  # noqa: ASYNC110 - what other processes do is no event here
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"never {what}")


async def serves(field: Field, number: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        url = f"{field.nodes[number].service}/ready"
        while (await client.get(url, timeout=30)).status_code != 200:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)  # The balancer looks for itself.


async def counted(field: Field, customer: str) -> int:
    headers = {"Authorization": f"Bearer {field.secret}", "X-User-Id": customer}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        answer = await client.get(f"{field.nodes[0].service}/api/usage", headers=headers)
        return int(answer.json()["usageCount"])


async def roll(field: Field, load: Load) -> None:
    """Restart every node, and reload every node, with load between."""
    for number, node in enumerate(field.nodes):
        before = load.answered()
        assert await node.stop() == 0
        await node.start()
        await serves(field, number)
        await until(lambda before=before: load.answered() > before + 50, "served meanwhile")  # type: ignore[misc]  # a default in a lambda
    for node in field.nodes:
        pids = set(node.worker_pids())
        node.reload()
        await until(lambda node=node: "reloaded: 2 workers" in node.log(), "reloaded")  # type: ignore[misc]  # likewise
        await until(lambda node=node, pids=pids: not pids & set(node.worker_pids()), "replaced")  # type: ignore[misc]  # likewise


@pytest.mark.parametrize("balancer", ["spliced", "haproxy"])
@pytest.mark.parametrize("place", ["sqlite", "mixed"])
async def test_a_rolling_restart_under_load_loses_nothing_and_admits_nothing_twice(
    place: str, balancer: str, tmp_path: Path
) -> None:
    if balancer == "haproxy" and haproxy() is None:
        pytest.skip("HAProxy is not installed")
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(places()[place](tmp_path))
        field = await stack.enter_async_context(
            opened(stores, tmp_path / "nodes", nodes=2, workers=2, limit=LIMIT, environ=SETTINGS)
        )
        if balancer == "haproxy":
            urls = await stack.enter_async_context(haproxy_running(field.nodes, tmp_path))
        else:
            urls = {}
            for plane in ("edge", "service"):
                one = await stack.enter_async_context(Balancer(field.nodes, plane).running())
                await until(lambda one=one: len(one.ready) == 2, "ready")  # type: ignore[misc]  # a default in a lambda
                urls[plane] = one.url
        load = Load(urls, field)
        await roll(field, load)
        await until(lambda: min(load.seen[c, 429] for c in CUSTOMERS) > 0, "at the limit")
        await load.end()
        assert load.lost == []
        assert {status for _, status in load.seen} == {200, 429}
        for customer in CUSTOMERS:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await counted(field, customer) != load.admitted(customer):  # noqa: ASYNC110 - leases come back when idle
                    await asyncio.sleep(0.2)
            assert load.admitted(customer) <= LIMIT
        assert [error for node in field.nodes for error in node.raised()] == []

"""Two nodes restarted in turn, and reloaded, while callers ask: nothing lost or admitted twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest
from bench.load.client import Connection, request
from chaos.field import CUSTOMER, Field, opened
from chaos.places import places
from tests.servers.balancer import Balancer, haproxy, haproxy_running
from tests.waiting import becomes, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chaos.node import Node

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

LIMIT = 1_500
CUSTOMERS = (CUSTOMER, *(f"customer{number}" for number in range(5)))
CALLERS = 12
PAUSE_SECONDS = 0.03
SETTINGS = {"DREAM_GATEWAY_DRAIN_DELAY": "6", "DREAM_GATEWAY_DRAIN_SECONDS": "20"}


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

    def has_answered(self, number: int) -> bool:
        return self.answered() > number

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


async def is_ready(node: Node) -> bool:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return (await client.get(f"{node.service}/ready")).status_code == 200


async def counted(field: Field, customer: str) -> int:
    headers = {"Authorization": f"Bearer {field.secret}", "X-User-Id": customer}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        answer = await client.get(f"{field.nodes[0].service}/api/usage", headers=headers)
        return int(answer.json()["usageCount"])


async def roll(field: Field, load: Load, balancers: list[Balancer]) -> None:
    """Restart every node, and reload every node, with load between."""
    for node in field.nodes:
        before = load.answered()
        assert await node.stop() == 0
        await node.start()
        await eventually(partial(is_ready, node), "ready")
        for each in balancers:  # HAProxy has the drain's delay to see it.
            await eventually(partial(each.has_ready, len(field.nodes)), "seen by the balancer")
        await eventually(partial(load.has_answered, before + 50), "served meanwhile")
    for node in field.nodes:
        pids = set(node.worker_pids())
        node.reload()
        await eventually(node.log, "reloaded", holds=lambda log: "reloaded: 2 workers" in log)
        await eventually(node.worker_pids, f"rid of {pids}", holds=pids.isdisjoint)


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
        balancers: list[Balancer] = []
        if balancer == "haproxy":
            urls = await stack.enter_async_context(haproxy_running(field.nodes, tmp_path))
        else:
            urls = {}
            for plane in ("edge", "service"):
                one = await stack.enter_async_context(Balancer(field.nodes, plane).running())
                await eventually(partial(one.has_ready, 2), "ready")
                urls[plane] = one.url
                balancers.append(one)
        load = Load(urls, field)
        await roll(field, load, balancers)
        await eventually(lambda: min(load.seen[c, 429] for c in CUSTOMERS) > 0, "at the limit")
        await load.end()
        assert load.lost == []
        assert {status for _, status in load.seen} == {200, 429}
        for customer in CUSTOMERS:
            # Leases come back when idle.
            await becomes(partial(counted, field, customer), load.admitted(customer))
            assert load.admitted(customer) <= LIMIT
        assert [error for node in field.nodes for error in node.raised()] == []

"""What is changed through one worker process acts on every other one: tiers, plans, keys, suspension."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count, product
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio
from tests.server.conftest import _supervise as supervise
from tests.waiting import becomes

from dream_gateway.administration import open_administration
from dream_gateway.command_stores import open_records
from dream_gateway.model import Mode
from dream_gateway.records import platforms
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from dream_gateway.records.projects import NewProject

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORKERS = 2
MOST_CONNECTIONS = 64

OPERATOR = {"authorization": "Bearer the operator's token, of 32 characters"}


@dataclass
class Processes:
    """A gateway of several processes: a client for each of them, on the edge and on the service."""

    settings: Settings
    edges: list[httpx.AsyncClient]
    services: list[httpx.AsyncClient]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def processes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Processes]:
    settings = Settings(
        store=f"sqlite:///{tmp_path_factory.mktemp('changes')}/dream.db",
        port=0,
        service_port=0,
        workers=WORKERS,
        operator_tokens=(OPERATOR["authorization"].removeprefix("Bearer "),),
        upstream="http://127.0.0.1:1",  # Where nobody is: who is let in hears that.
    )
    async with supervise(settings) as running, AsyncExitStack() as stack:
        addresses = running.addresses
        edges = await one_for_each(stack, addresses.edge, "/authorize")
        services = await one_for_each(stack, addresses.service, "/health")
        yield Processes(settings, edges, services)


async def one_for_each(stack: AsyncExitStack, url: str, path: str) -> list[httpx.AsyncClient]:
    """Return a client for each process, each with the one connection that it keeps.

    The request ids that a process makes begin alike.
    """
    found: dict[str, httpx.AsyncClient] = {}
    for _ in range(MOST_CONNECTIONS):
        limits = httpx.Limits(max_connections=1, keepalive_expiry=None)
        client = httpx.AsyncClient(base_url=url, trust_env=False, limits=limits, timeout=30)
        await stack.enter_async_context(client)
        answer = await client.get(path)
        found.setdefault(answer.headers["x-request-id"].rpartition("-")[0], client)
        if len(found) == WORKERS:
            return list(found.values())
    raise AssertionError(f"only {len(found)} of {WORKERS} processes accept connections")


@dataclass
class Shop:
    """A project, whose service is asked through the first process only."""

    made: NewProject
    service: httpx.AsyncClient
    edges: list[httpx.AsyncClient]
    services: list[httpx.AsyncClient]

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        own = {"authorization": f"Bearer {self.made.secret_key}"}
        answer = await self.service.request(method, path, headers=own, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def customer(self, plan: str) -> dict[str, Any]:
        body = {"email": "a@example.com", "externalId": "u", "plan": plan}
        made: dict[str, Any] = (await self.ask("POST", "/api/customers", json=body))["customer"]
        return made

    async def key(self, customer: str) -> dict[str, Any]:
        made: dict[str, Any] = await self.ask("POST", f"/api/customers/{customer}/keys")
        return made

    async def used(self) -> int:
        own = {"authorization": f"Bearer {self.made.secret_key}", "x-user-id": "u"}
        answer = await self.service.get("/api/usage", headers=own)
        return int(answer.json()["usageCount"])

    async def settled(self, used: int) -> None:
        """Wait until so many units are used: what a process has leased and not spent goes back."""
        await becomes(self.used, used)


@pytest_asyncio.fixture(loop_scope="module")
async def shop(processes: Processes) -> Shop:
    tiers = [parse_tier("small=4/month"), parse_tier("large=1000/month")]
    async with open_administration(processes.settings) as administration:
        made = await administration.create_platform("shop", Mode.TEST, tiers, ())
    return Shop(made, processes.services[0], processes.edges, processes.services)


async def status(edge: httpx.AsyncClient, key: str) -> int:
    answer = await edge.get("/authorize", headers={"authorization": f"Bearer {key}"})
    return answer.status_code


async def everywhere(shop: Shop, key: str, wanted: int) -> None:
    """Wait until every process answers so; an answer of before is one of before."""
    for edge in shop.edges:
        await becomes(partial(status, edge, key), wanted)


async def exhausted(shop: Shop, key: str) -> None:
    """Use up the quota, so that every process has refused."""
    await everywhere(shop, key, 429)


async def test_a_raised_limit(shop: Shop) -> None:
    key = (await shop.key((await shop.customer("small"))["id"]))["key"]
    await exhausted(shop, key)
    assert await shop.used() == 4
    await shop.ask("PUT", "/api/tiers/small", json={"limit": 1000})
    await everywhere(shop, key, 200)
    assert await shop.used() > 4


async def test_an_upgrade_keeps_the_usage_and_lifts_the_limit(shop: Shop) -> None:
    customer = await shop.customer("small")
    key = (await shop.key(customer["id"]))["key"]
    await exhausted(shop, key)
    await shop.ask("PATCH", f"/api/customers/{customer['id']}", json={"plan": "large"})
    for edge in shop.edges:
        await becomes(partial(status, edge, key), 200)
        assert [await status(edge, key) for _ in range(10)] == [200] * 10
    # Units of before, of the two that ended the waiting, and of twenty more.
    await shop.settled(4 + 2 + 20)


@pytest.mark.parametrize("how", ["revoked", "disabled", "rotated", "customer deleted"])
async def test_a_key_that_ends(shop: Shop, how: str) -> None:
    customer = await shop.customer("large")
    key = await shop.key(customer["id"])
    await everywhere(shop, key["key"], 200)
    path = f"/api/keys/{key['keyId']}"
    changes: dict[str, Callable[[], Any]] = {
        "revoked": lambda: shop.ask("DELETE", path),
        "disabled": lambda: shop.ask("PATCH", path, json={"status": "disabled"}),
        "rotated": lambda: shop.ask("POST", f"{path}/rotate"),
        "customer deleted": lambda: shop.ask("DELETE", f"/api/customers/{customer['id']}"),
    }
    answer = await changes[how]()
    await everywhere(shop, key["key"], 401)
    if how == "rotated":
        await everywhere(shop, answer["key"], 200)
    if how == "disabled":
        await shop.ask("PATCH", path, json={"status": "active"})
        await everywhere(shop, key["key"], 200)


async def test_a_suspended_platform(shop: Shop) -> None:
    key = (await shop.key((await shop.customer("large"))["id"]))["key"]
    await everywhere(shop, key, 200)
    path = f"/operator/platforms/{shop.made.project.platform_id}"
    for verb, wanted in (("suspend", 403), ("resume", 200)):
        answer = await shop.service.post(f"{path}/{verb}", headers=OPERATOR)
        assert answer.status_code == 200
        await everywhere(shop, key, wanted)


async def test_a_suspended_customer(shop: Shop) -> None:
    customer = await shop.customer("large")
    key = (await shop.key(customer["id"]))["key"]
    path = f"/api/customers/{customer['id']}"
    used = await each_way(shop, key, "")
    used += await each_way(shop, key, "")  # Once more, as everybody is known by now.
    await shop.ask("PATCH", path, json={"suspended": True})
    used += await each_way(shop, key, "customer_suspended")
    await shop.settled(used)
    assert await each_way(shop, key, "customer_suspended") == 0
    await shop.settled(used)
    await shop.ask("PATCH", path, json={"suspended": False})
    await shop.settled(used + await each_way(shop, key, ""))


async def each_way(shop: Shop, key: str, wanted: str) -> int:
    """Wait until each way into each process says so; the empty code lets in.

    Return the units that those paid who were let in.
    """
    own = {"authorization": f"Bearer {shop.made.secret_key}"}
    events = count()

    async def charged(service: httpx.AsyncClient) -> str:
        return code(await service.post("/api/data", headers={**own, "x-user-id": "u"}))

    async def charged_once(service: httpx.AsyncClient) -> str:
        once = {"x-user-id": "u", "idempotency-key": f"{id(events)}-{next(events)}"}
        return code(await service.post("/api/data", headers={**own, **once}))

    async def peeked(service: httpx.AsyncClient) -> str:
        fields = {**own, "x-user-id": "u", "x-usage-cost": "0"}
        return code(await service.post("/api/data", headers=fields))

    async def verified(service: httpx.AsyncClient) -> str:
        answer = await service.post("/api/verify", headers=own, json={"key": key})
        return str(answer.json()["code"]).replace("allowed", "")

    async def batched(service: httpx.AsyncClient) -> str:
        asked = {"userId": "u", "idempotencyKey": f"{id(events)}-{next(events)}"}
        answer = await service.post("/api/usage/batch", headers=own, json={"events": [asked]})
        (result,) = answer.json()["results"]
        assert result["success"] or result.get("usage") is None
        return str(result["code"]).replace("recorded", "")

    async def authorized(edge: httpx.AsyncClient) -> str:
        return code(await edge.get("/authorize", headers={"authorization": f"Bearer {key}"}))

    async def proxied(edge: httpx.AsyncClient) -> str:
        found = code(await edge.get("/things", headers={"authorization": f"Bearer {key}"}))
        return "" if found.startswith("upstream") else found

    ways = [
        *product((charged, charged_once, peeked, verified, batched), shop.services),
        *product((authorized, proxied), shop.edges),
    ]
    passed = [(way, await passes(way, client, wanted)) for way, client in ways]
    return sum(often for way, often in passed if way is not peeked)


async def passes(
    way: Callable[[httpx.AsyncClient], Awaitable[str]], client: httpx.AsyncClient, wanted: str
) -> int:
    """Ask until that is the answer; return how often it let in."""
    often = 0

    async def asked() -> str:
        nonlocal often
        found = await way(client)
        often += found == ""
        return found

    await becomes(asked, wanted)
    return often


def code(answer: httpx.Response) -> str:
    """Return the code of a refusal, empty for a request that passed."""
    if answer.is_success:
        return ""
    found = str(answer.json()["code"])
    assert (answer.status_code == 403) is (found == "customer_suspended")
    return found


async def test_a_platform_that_does_not_pay_its_plan(processes: Processes, shop: Shop) -> None:
    key = (await shop.key((await shop.customer("large"))["id"]))["key"]
    await everywhere(shop, key, 200)
    for unpaid, wanted in ((True, 403), (False, 200)):
        async with open_records(processes.settings) as records, records.write("test") as writer:
            platform = await platforms.find(writer.connection, shop.made.project.platform_id)
            assert platform is not None
            await platforms.set_unpaid(writer, platform, unpaid=unpaid)
        await everywhere(shop, key, wanted)


async def test_a_deleted_project(shop: Shop) -> None:
    key = (await shop.key((await shop.customer("large"))["id"]))["key"]
    await everywhere(shop, key, 200)
    path = f"/platform/projects/{shop.made.project.id}"
    answer = await shop.service.delete(path, headers=OPERATOR)
    assert answer.status_code == 204
    await everywhere(shop, key, 401)
    assert (await shop.service.post(f"{path}/restore", headers=OPERATOR)).status_code == 200
    await everywhere(shop, key, 200)

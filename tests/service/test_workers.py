"""What only the whole gateway shows: workers that share a database, the feed, and time that passes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.waiting import eventually

from dream_gateway.server.composition import ServiceHost
from dream_gateway.service.app import create_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    import httpx
    from tests.service.conftest import Open, Speak, Tenant

    from dream_gateway.testing.clock import FakeClock

    Join = Callable[[Tenant], AbstractAsyncContextManager[httpx.AsyncClient]]

"""The feed promises one; a busy machine gets more. The gateway's own clock stands still meanwhile."""


@pytest.fixture
def join(opened: Open, speak: Speak) -> Join:
    """Return how to start another worker on the same database, with a client that asks it."""

    @asynccontextmanager
    async def joined(tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
        async with opened() as gateway:
            service = create_service(ServiceHost(gateway))
            async with speak(service, tenant.secret_key) as client:
                yield client

    return joined


async def code(client: httpx.AsyncClient, key: str, cost: int = 1) -> str:
    answer = await client.post("/api/verify", json={"key": key, "cost": cost})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"])


async def refused(client: httpx.AsyncClient, key: str) -> bool:
    return await code(client, key, 0) == "invalid_credential"


async def charge(client: httpx.AsyncClient, user: str, cost: int, **headers: str) -> httpx.Response:
    fields = {"x-user-id": user, **headers}
    return await client.post("/api/data", headers=fields, json={"cost": cost})


async def used(client: httpx.AsyncClient, user: str) -> Any:
    answer = await client.get("/api/usage", headers={"x-user-id": user})
    return answer.json()["usageCount"]


async def on_plan(client: httpx.AsyncClient, user: str, plan: str) -> bool:
    answer = await client.get("/api/usage", headers={"x-user-id": user})
    return bool(answer.json()["plan"] == plan)


class TestIdempotency:
    async def test_a_repeat_at_another_worker_gets_the_first_result(
        self, tenant: Tenant, join: Join
    ) -> None:
        request: Any = {"json": {"email": "a@b"}, "headers": {"idempotency-key": "k"}}
        once = await tenant.client.post("/api/customers", **request)
        async with join(tenant) as other:
            again = await other.post("/api/customers", **request)
            assert (once.status_code, again.status_code) == (201, 201)
            assert again.json() == once.json()
            assert again.headers["idempotency-replayed"] == "true"
            request["json"] = {"email": "c@d"}
            assert (await other.post("/api/customers", **request)).status_code == 422

    async def test_at_once_at_two_workers_one_creates(self, tenant: Tenant, join: Join) -> None:
        path = f"/api/customers/{(await tenant.customer('u-1'))['id']}/keys"
        field = {"idempotency-key": "k"}
        async with join(tenant) as other:
            answers = await asyncio.gather(
                *(each.post(path, headers=field) for each in (tenant.client, other))
            )
            listed = (await other.get(path)).json()["data"]
        assert [a.status_code for a in answers] == [201, 201]
        assert sorted("key" in a.json() for a in answers) == [False, True]
        assert {a.json()["keyId"] for a in answers} == {key["keyId"] for key in listed}
        assert len(listed) == 1

    async def test_an_event_counts_once_at_two_workers(self, tenant: Tenant, join: Join) -> None:
        field = {"idempotency-key": "k"}
        async with join(tenant) as other:
            answers = await asyncio.gather(
                *(charge(each, "u-1", 4, **field) for each in (tenant.client, other) * 5)
            )
        assert [a.json()["duplicate"] for a in answers].count(False) == 1
        assert len({a.json()["eventId"] for a in answers}) == 1
        assert await used(tenant.client, "u-1") == 4


class TestKeys:
    async def test_a_revoked_key_is_refused_by_a_worker_that_knew_it(
        self, tenant: Tenant, join: Join
    ) -> None:
        key = await tenant.key((await tenant.customer("u-1"))["id"])
        async with join(tenant) as other:
            assert await code(other, key["key"]) == await code(tenant.client, key["key"])
            answer = await tenant.client.delete(f"/api/keys/{key['keyId']}")
            assert answer.status_code == 204
            for each in (tenant.client, other):
                await eventually(partial(refused, each, key["key"]), "refused")
                assert await code(each, key["key"]) == "invalid_credential"
        assert await used(tenant.client, "u-1") == 2

    async def test_a_deleted_customers_key_is_refused(self, tenant: Tenant) -> None:
        customer = await tenant.customer("u-1")
        key = await tenant.key(customer["id"])
        assert await code(tenant.client, key["key"]) == "allowed"
        await tenant.client.delete(f"/api/customers/{customer['id']}")
        await eventually(partial(refused, tenant.client, key["key"]), "refused")

    async def test_a_rotated_key_works_in_the_grace_and_not_after(
        self, tenant: Tenant, clock: FakeClock
    ) -> None:
        key = await tenant.key((await tenant.customer("u-1"))["id"])
        assert await code(tenant.client, key["key"]) == "allowed"
        path = f"/api/keys/{key['keyId']}/rotate"
        new = (await tenant.client.post(path, json={"graceSeconds": 30})).json()
        clock.advance(29.5)
        assert await code(tenant.client, key["key"]) == "allowed"
        assert await code(tenant.client, new["key"]) == "allowed"
        clock.advance(0.5)
        await eventually(partial(refused, tenant.client, key["key"]), "refused")
        assert await code(tenant.client, new["key"]) == "allowed"
        assert await used(tenant.client, "u-1") == 4

    async def test_a_key_rotated_without_grace_ends(self, tenant: Tenant) -> None:
        key = await tenant.key((await tenant.customer("u-1"))["id"])
        assert await code(tenant.client, key["key"]) == "allowed"
        new = (await tenant.client.post(f"/api/keys/{key['keyId']}/rotate")).json()
        assert await code(tenant.client, new["key"]) == "allowed"
        await eventually(partial(refused, tenant.client, key["key"]), "refused")

    async def test_a_key_ends_when_it_expires(self, tenant: Tenant, clock: FakeClock) -> None:
        customer = await tenant.customer("u-1")
        key = await tenant.key(customer["id"], expiresAt="2027-01-15T08:00:10Z")
        assert await code(tenant.client, key["key"]) == "allowed"
        clock.advance(10)
        assert await code(tenant.client, key["key"]) == "invalid_credential"


class TestUsage:
    async def test_what_was_admitted_is_what_is_told(self, tenant: Tenant, join: Join) -> None:
        await tenant.customer("u-1", plan="big")
        async with join(tenant) as other:
            answers = await asyncio.gather(
                *(
                    charge((tenant.client, other)[n % 2], "u-1", n % 7, **keyed(n))
                    for n in range(200)
                )
            )
        assert {a.status_code for a in answers} == {200}
        assert await used(tenant.client, "u-1") == sum(n % 7 for n in range(200))

    async def test_two_workers_do_not_admit_more_than_the_limit(
        self, tenant: Tenant, join: Join
    ) -> None:
        await tenant.customer("u-1")
        async with join(tenant) as other:
            clients = (tenant.client, other) * 20
            answers = await asyncio.gather(*(charge(each, "u-1", 1) for each in clients))
        admitted = [a.status_code for a in answers].count(200)
        assert 0 < admitted <= 10
        assert await used(tenant.client, "u-1") == admitted
        rest = [(await charge(tenant.client, "u-1", 1)).status_code for _ in range(11 - admitted)]
        assert rest == [200] * (10 - admitted) + [429]

    async def test_usage_survives_the_worker(self, tenant: Tenant, join: Join) -> None:
        async with join(tenant) as other:
            await charge(other, "u-1", 3)
        async with join(tenant) as another:
            assert await used(another, "u-1") == 3

    async def test_an_upgrade_keeps_the_usage_and_lifts_the_limit(
        self, tenant: Tenant, join: Join
    ) -> None:
        customer = await tenant.customer("u-1")
        async with join(tenant) as other:
            assert (await charge(other, "u-1", 10)).status_code == 200
            for each in (tenant.client, other):
                assert (await charge(each, "u-1", 1)).status_code == 429
            path = f"/api/customers/{customer['id']}"
            assert (await tenant.client.patch(path, json={"plan": "big"})).status_code == 200
            for each in (tenant.client, other):
                await eventually(partial(on_plan, each, "u-1", "big"), "upgraded")
                assert (await charge(each, "u-1", 5)).status_code == 200
        usage = (await charge(tenant.client, "u-1", 0)).json()["usage"]
        assert (usage["plan"], usage["usageCount"], usage["limit"]) == ("big", 20, 100_000)

    async def test_a_downgrade_keeps_the_usage_and_the_limit_holds(self, tenant: Tenant) -> None:
        customer = await tenant.customer("u-1", plan="big")
        assert (await charge(tenant.client, "u-1", 7)).status_code == 200
        path = f"/api/customers/{customer['id']}"
        assert (await tenant.client.patch(path, json={"plan": "free"})).status_code == 200
        await eventually(partial(on_plan, tenant.client, "u-1", "free"), "put back")
        assert (await charge(tenant.client, "u-1", 4)).status_code == 429
        assert (await charge(tenant.client, "u-1", 3)).status_code == 200
        assert await used(tenant.client, "u-1") == 10

    async def test_a_new_period_begins_with_nothing_used(
        self, tenant: Tenant, clock: FakeClock
    ) -> None:
        assert (await charge(tenant.client, "u-1", 10)).status_code == 200
        assert (await charge(tenant.client, "u-1", 1)).status_code == 429
        clock.advance(31 * 86_400)
        assert await used(tenant.client, "u-1") == 0
        assert (await charge(tenant.client, "u-1", 1)).json()["usage"]["usageCount"] == 1


def keyed(number: int) -> dict[str, str]:
    """Give every third request an idempotency key, which goes another way to the ledger."""
    return {} if number % 3 else {"idempotency-key": f"k{number}"}

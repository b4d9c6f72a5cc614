"""`POST /api/data` and `GET /api/usage`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx
    from tests.service.conftest import Tenant


async def charge(tenant: Tenant, user: str = "u-1", /, **more: Any) -> httpx.Response:
    headers = {"x-user-id": user, **more.pop("headers", {})}
    answer: httpx.Response = await tenant.client.post("/api/data", headers=headers, **more)
    return answer


async def used(tenant: Tenant, user: str = "u-1") -> Any:
    answer = await tenant.client.get("/api/usage", headers={"x-user-id": user})
    assert answer.status_code == 200, answer.text
    return answer.json()["usageCount"]


async def test_200_charges_one_unit_by_default(tenant: Tenant) -> None:
    answer = await charge(tenant)
    assert answer.status_code == 200
    body = answer.json()
    usage = body["usage"]
    start, end = (datetime.fromisoformat(usage.pop(x)) for x in ("periodStart", "periodEnd"))
    assert 28 <= (end - start).days <= 31
    assert body == {
        "success": True,
        "usage": {
            "userId": "u-1",
            "plan": "free",
            "count": 1,
            "usageCount": 1,
            "limit": 10,
            "remaining": 9,
        },
    }
    assert answer.headers["ratelimit-policy"].startswith('"')
    assert ";r=" in answer.headers["ratelimit"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_200_times_end_in_z(tenant: Tenant) -> None:
    usage = (await charge(tenant)).json()["usage"]
    assert usage["periodStart"].endswith("Z")
    assert usage["periodEnd"].endswith("Z")


@pytest.mark.parametrize(
    "request_", [{"json": {"cost": 4}}, {"headers": {"x-usage-cost": "4"}}], ids=["body", "field"]
)
async def test_200_charges_the_cost(tenant: Tenant, request_: Any) -> None:
    assert (await charge(tenant, **request_)).json()["usage"]["count"] == 4
    assert await used(tenant) == 4


async def test_200_cost_zero_tells_and_charges_nothing(tenant: Tenant) -> None:
    await charge(tenant)
    for _ in range(3):
        assert (await charge(tenant, json={"cost": 0})).json()["usage"]["usageCount"] == 1
    assert await used(tenant) == 1


async def test_200_unlimited(tenant: Tenant) -> None:
    usage = (await charge(tenant, headers={"x-user-plan": "pro"})).json()["usage"]
    assert (usage["plan"], usage["count"]) == ("pro", 1)
    assert (usage["limit"], usage["remaining"]) == ("unlimited", "unlimited")


class TestOverage:
    """A tier whose overage has a price."""

    TIER = {"name": "metered", "limit": 5, "overage": {"price": 50, "per": 100}}  # noqa: RUF012

    @pytest.fixture
    async def metered(self, tenant: Tenant) -> Tenant:
        assert (await tenant.client.post("/api/tiers", json=self.TIER)).status_code == 201
        await tenant.customer("u-1", plan="metered")
        return tenant

    async def test_200_past_the_limit_and_the_overage_is_told(self, metered: Tenant) -> None:
        told = [(await charge(metered, json={"cost": 3})).json()["usage"] for _ in range(3)]
        assert [(u["count"], u["remaining"], u["overage"]) for u in told] == [
            (3, 2, 0), (6, 0, 1), (9, 0, 4),
        ]  # fmt: skip
        assert {u["limit"] for u in told} == {5}
        usage = (await metered.client.get("/api/usage", headers={"x-user-id": "u-1"})).json()
        assert (usage["usageCount"], usage["remaining"], usage["overage"]) == (9, 0, 4)

    async def test_200_one_by_one_says_the_same(self, metered: Tenant) -> None:
        for number in range(1, 31):
            usage = (await charge(metered)).json()["usage"]
            assert (usage["count"], usage["overage"]) == (number, max(0, number - 5))

    async def test_200_no_limit_is_told_that_does_not_refuse(self, metered: Tenant) -> None:
        assert "ratelimit" not in (await charge(metered, json={"cost": 9})).headers

    async def test_200_an_event_too(self, metered: Tenant) -> None:
        for _ in range(2):
            answer = await charge(metered, json={"cost": 9}, headers={"idempotency-key": "k"})
            assert (answer.status_code, answer.json()["usage"]["overage"]) == (200, 4)

    async def test_200_a_key_too(self, metered: Tenant) -> None:
        key = await metered.key((await metered.customer("u-2", plan="metered"))["id"])
        asked = {"key": key["key"], "cost": 9}
        verified = (await metered.client.post("/api/verify", json=asked)).json()
        assert (verified["allowed"], verified["usage"]["overage"]) == (True, 4)

    async def test_429_once_the_tier_has_no_price_for_it(self, metered: Tenant) -> None:
        assert (await charge(metered, json={"cost": 7})).status_code == 200
        await metered.client.put("/api/tiers/metered", json={"limit": 5})
        answer = await charge(metered)
        assert (answer.status_code, answer.json()["usageCount"]) == (429, 7)
        assert (
            "overage"
            not in (await metered.client.get("/api/usage", headers={"x-user-id": "u-1"})).json()
        )

    async def test_nothing_of_it_is_told_elsewhere(self, tenant: Tenant) -> None:
        assert "overage" not in (await charge(tenant)).json()["usage"]


async def test_200_a_rate_alone_counts_nothing(tenant: Tenant) -> None:
    answer = await charge(tenant, headers={"x-user-plan": "slow"})
    assert answer.json()["usage"]["periodStart"] is None
    assert ";q=2;w=" in answer.headers["ratelimit-policy"]


async def test_429_quota(tenant: Tenant) -> None:
    assert (await charge(tenant, json={"cost": 9})).status_code == 200
    answer = await charge(tenant, json={"cost": 2})
    body = answer.json()
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert (body["code"], body["error"], body["usageCount"], body["limit"]) == (
        "quota_exceeded",
        "quota_exceeded",
        9,
        10,
    )
    assert body["policy"]
    assert int(answer.headers["retry-after"]) >= 1
    assert "ratelimit" in answer.headers
    assert await used(tenant) == 9
    assert (await charge(tenant)).status_code == 200


async def test_429_rate(tenant: Tenant) -> None:
    answers = [await charge(tenant, headers={"x-user-plan": "slow"}) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "rate_limited"
    # Two an hour: one is back after half of it, both only after all of it.
    assert 1 <= int(answers[2].headers["retry-after"]) <= 1800


async def test_429_exactly_the_limit_is_admitted_at_once(tenant: Tenant) -> None:
    answers = await asyncio.gather(*(charge(tenant) for _ in range(40)))
    statuses = [a.status_code for a in answers]
    assert (statuses.count(200), statuses.count(429)) == (10, 30)
    assert await used(tenant) == 10


async def test_200_an_unknown_user_is_on_the_default_tier(tenant: Tenant) -> None:
    answer = await tenant.client.get("/api/usage", headers={"x-user-id": "nobody"})
    body = answer.json()
    assert (body["userId"], body["plan"], body["usageCount"], body["limit"], body["remaining"]) == (
        "nobody",
        "free",
        0,
        10,
        10,
    )
    assert "count" not in body
    listed = await tenant.client.get("/api/customers")
    assert listed.json()["data"] == []


async def test_200_a_user_is_registered_on_first_use(tenant: Tenant) -> None:
    await charge(tenant, "new-1")
    (customer,) = (await tenant.client.get("/api/customers")).json()["data"]
    assert customer["externalId"] == "new-1"


async def test_a_plan_that_is_not_there_is_not_given(tenant: Tenant) -> None:
    answer = await charge(tenant, headers={"x-user-plan": "no-such"})
    assert answer.status_code in {200, 403}
    if answer.status_code == 200:
        assert answer.json()["usage"]["plan"] == "free"


@pytest.mark.parametrize(
    "text", ["-1", "1.5", "1000000001", "x", "\u0661", "1_0", "9" * 400], ids=lambda t: t[:12]
)
async def test_422_cost_field(tenant: Tenant, text: str) -> None:
    answer = await charge(tenant, headers={"x-usage-cost": text.encode()})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["header"] == "X-Usage-Cost"


@pytest.mark.parametrize("cost", [-1, 1.5, True, "1", 10**9 + 1, 10**30, [], {}])
async def test_422_cost_in_the_body(tenant: Tenant, cost: object) -> None:
    answer = await charge(tenant, json={"cost": cost})
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/cost"]
    assert await used(tenant) == 0


async def test_422_two_costs(tenant: Tenant) -> None:
    answer = await charge(tenant, json={"cost": 1}, headers={"x-usage-cost": "2"})
    assert answer.status_code == 422


async def test_422_unknown_fields_are_all_named(tenant: Tenant) -> None:
    answer = await charge(tenant, json={"cots": 1, "a/b": 2, "cost": -1})
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/cost", "/cots", "/a~1b"]


@pytest.mark.parametrize("user", ["", "x" * 256], ids=repr)
async def test_422_user(tenant: Tenant, user: str) -> None:
    assert (await charge(tenant, user)).status_code == 422


# Our own protocol lets no such bytes through.
@pytest.mark.parametrize("speak", ["asgi"], indirect=True)
@pytest.mark.parametrize("user", [" ", "a\x01b", "a\x7f"], ids=repr)
async def test_422_user_of_odd_bytes(tenant: Tenant, user: str) -> None:
    answer = await charge(tenant, user)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["header"] == "X-User-Id"


@pytest.mark.parametrize("body", [b"{", b"nonsense", b'{"cost":1}}', b"\xff\xfe"])
async def test_400_not_json(tenant: Tenant, body: bytes) -> None:
    answer = await charge(tenant, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_413(tenant: Tenant) -> None:
    answer = await charge(tenant, content=b" " * 70_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_413_without_a_length(tenant: Tenant) -> None:
    async def pieces() -> Any:
        for _ in range(70):
            yield b" " * 1000

    assert (await charge(tenant, content=pieces())).status_code == 413


class TestIdempotency:
    async def test_a_repeat_never_tells_less_than_the_first(self, tenant: Tenant) -> None:
        await tenant.customer("u-1", plan="big")
        field = {"idempotency-key": "k"}
        once = (await charge(tenant, headers=field)).json()["usage"]
        # Now there is a lease in hand, with units that the first answer knew nothing of.
        for _ in range(20):
            assert (await charge(tenant)).status_code == 200
        again = (await charge(tenant, headers=field)).json()["usage"]
        assert 1 == once["usageCount"] <= again["usageCount"] <= again["limit"]
        assert again["remaining"] == again["limit"] - again["usageCount"]

    async def test_200_a_repeat_is_a_duplicate(self, tenant: Tenant) -> None:
        once = await charge(tenant, json={"cost": 3}, headers={"idempotency-key": "k"})
        again = await charge(tenant, json={"cost": 3}, headers={"idempotency-key": "k"})
        assert once.status_code == again.status_code == 200
        assert (once.json()["duplicate"], again.json()["duplicate"]) == (False, True)
        assert once.json()["eventId"] == again.json()["eventId"]
        assert once.json()["usage"]["count"] == again.json()["usage"]["count"] == 3
        assert "ratelimit" in once.headers
        assert await used(tenant) == 3

    async def test_409_another_body(self, tenant: Tenant) -> None:
        await charge(tenant, json={"cost": 3}, headers={"idempotency-key": "k"})
        answer = await charge(tenant, json={"cost": 4}, headers={"idempotency-key": "k"})
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
        assert await used(tenant) == 3

    async def test_409_another_user(self, tenant: Tenant) -> None:
        await charge(tenant, headers={"idempotency-key": "k"})
        answer = await charge(tenant, "u-2", headers={"idempotency-key": "k"})
        assert answer.status_code == 409

    async def test_429_leaves_the_key_free(self, tenant: Tenant) -> None:
        field = {"idempotency-key": "k"}
        assert (await charge(tenant, json={"cost": 11}, headers=field)).status_code == 429
        assert (await charge(tenant, json={"cost": 1}, headers=field)).status_code == 200

    async def test_tenants_share_no_keys(self, tenant: Tenant, stranger: Tenant) -> None:
        for each in (tenant, stranger):
            answer = await charge(each, headers={"idempotency-key": "k"})
            assert answer.json()["duplicate"] is False

    async def test_at_once(self, tenant: Tenant) -> None:
        field = {"idempotency-key": "k"}
        answers = await asyncio.gather(*(charge(tenant, headers=field) for _ in range(20)))
        assert [a.status_code for a in answers] == [200] * 20
        assert [a.json()["duplicate"] for a in answers].count(False) == 1
        assert await used(tenant) == 1


async def test_tenants_share_no_users(tenant: Tenant, stranger: Tenant) -> None:
    await charge(tenant, json={"cost": 5})
    assert await used(stranger) == 0

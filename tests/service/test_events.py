"""`POST /api/usage/batch` and `POST /api/usage/{eventId}/void`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx
    from tests.service.conftest import Tenant


def event(key: str, user: str = "u-1", **more: Any) -> dict[str, Any]:
    return {"userId": user, "idempotencyKey": key, **more}


async def batch(tenant: Tenant, *events: Any) -> Any:
    answer = await tenant.client.post("/api/usage/batch", json={"events": list(events)})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def void(tenant: Tenant, event_id: str, **request: Any) -> httpx.Response:
    answer: httpx.Response = await tenant.client.post(f"/api/usage/{event_id}/void", **request)
    return answer


async def used(tenant: Tenant, user: str = "u-1") -> Any:
    answer = await tenant.client.get("/api/usage", headers={"x-user-id": user})
    return answer.json()["usageCount"]


async def test_200_each_event_has_its_own_result(tenant: Tenant) -> None:
    body = await batch(
        tenant,
        event("a", cost=3),
        event("a", cost=3),
        event("a", cost=4),
        event("b", cost=-1, x=1),
        {"userId": "u-1"},
        7,
        event("c", cost=100),
        event("d", "u-2", plan="pro"),
    )
    results = body["results"]
    assert body["success"] is False
    assert [r["code"] for r in results] == [
        "recorded",
        "duplicate",
        "idempotency_conflict",
        "invalid_request",
        "invalid_request",
        "invalid_request",
        "quota_exceeded",
        "recorded",
    ]
    assert [r["status"] for r in results] == [200, 200, 409, 422, 422, 422, 429, 200]
    assert results[0]["eventId"] == results[1]["eventId"]
    assert [e["pointer"] for e in results[3]["errors"]] == ["/events/3/cost", "/events/3/x"]
    assert [e["pointer"] for e in results[4]["errors"]] == ["/events/4/idempotencyKey"]
    assert [e["pointer"] for e in results[5]["errors"]] == ["/events/5"]
    assert results[7]["usage"]["plan"] == "pro"
    assert await used(tenant) == 3


async def test_200_a_thousand(tenant: Tenant) -> None:
    events = [event(f"k{n}", "big", plan="big") for n in range(1000)]
    body = await batch(tenant, *events)
    assert body["success"] is True
    assert len({r["eventId"] for r in body["results"]}) == 1000
    assert await used(tenant, "big") == 1000
    assert all(r["duplicate"] for r in (await batch(tenant, *events))["results"])
    assert await used(tenant, "big") == 1000


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/events"),
        ({"events": []}, "/events"),
        ({"events": {}}, "/events"),
        ({"events": [{}] * 1001}, "/events"),
        ({"events": [{}], "x": 1}, "/x"),
        ([], ""),
    ],
)
async def test_422_not_a_batch(tenant: Tenant, body: Any, pointer: str) -> None:
    answer = await tenant.client.post("/api/usage/batch", json=body)
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


async def test_413(tenant: Tenant) -> None:
    answer = await tenant.client.post("/api/usage/batch", content=b" " * (3 << 20))
    assert answer.status_code == 413


async def recorded(tenant: Tenant, cost: int = 5) -> str:
    result = (await batch(tenant, event("first", cost=cost)))["results"][0]
    event_id: str = result["eventId"]
    return event_id


async def test_200_void_takes_all_back(tenant: Tenant) -> None:
    event_id = await recorded(tenant)
    answer = await void(tenant, event_id)
    body = answer.json()
    assert answer.status_code == 200, body
    assert (body["success"], body["eventId"], body["amount"]) == (True, event_id, 5)
    assert body["duplicate"] is False
    assert await used(tenant) == 0


async def test_200_void_in_parts_up_to_the_original(tenant: Tenant) -> None:
    event_id = await recorded(tenant)
    assert (await void(tenant, event_id, json={"amount": 2})).status_code == 200
    assert (await void(tenant, event_id, json={"amount": 3})).status_code == 200
    answer = await void(tenant, event_id, json={"amount": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "void_exceeds_event")
    assert await used(tenant) == 0


async def test_200_void_of_all_counts_once_without_a_key(tenant: Tenant) -> None:
    event_id = await recorded(tenant)
    await void(tenant, event_id, json={"amount": 2})
    once, again = await void(tenant, event_id), await void(tenant, event_id)
    assert (once.json()["amount"], once.json()["duplicate"]) == (3, False)
    assert (again.json()["voidId"], again.json()["duplicate"]) == (once.json()["voidId"], True)
    assert await used(tenant) == 0


async def test_200_void_repeats_by_key(tenant: Tenant) -> None:
    event_id = await recorded(tenant)
    request = {"json": {"amount": 2}, "headers": {"idempotency-key": "v"}}
    once, again = await void(tenant, event_id, **request), await void(tenant, event_id, **request)
    assert once.json()["voidId"] == again.json()["voidId"]
    assert (once.json()["duplicate"], again.json()["duplicate"]) == (False, True)
    assert await used(tenant) == 3
    request["json"] = {"amount": 1}
    assert (await void(tenant, event_id, **request)).status_code == 409


async def test_404_void_of_nothing_or_of_a_strangers(tenant: Tenant, stranger: Tenant) -> None:
    event_id = await recorded(tenant)
    assert (await void(tenant, "evt_none")).status_code == 404
    assert (await void(stranger, event_id)).status_code == 404
    assert await used(tenant) == 5


@pytest.mark.parametrize("amount", [0, -1, 1.5, "1", True, 10**10])
async def test_422_void(tenant: Tenant, amount: object) -> None:
    answer = await void(tenant, await recorded(tenant), json={"amount": amount})
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/amount"]
    assert answer.status_code == 422

"""`/api/customers` and `/api/customers/{id}`."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from dream_gateway.records.schema import audit_log

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.conftest import Ask, Tenant

    from dream_gateway.testing.clock import FakeClock

LOCKED_SECONDS = 4.0

NEW = {"email": "a@example.org", "externalId": "u-1"}


async def test_201(tenant: Tenant, rows: Ask) -> None:
    body = {**NEW, "firstName": "Ada", "lastName": "L", "plan": "pro", "metadata": {"x": [1]}}
    answer = await tenant.client.post("/api/customers", json=body)
    assert answer.status_code == 201
    customer = answer.json()["customer"]
    customer_id = customer.pop("id")
    assert answer.json()["success"] is True
    assert customer.pop("createdAt").endswith("Z")
    assert customer_id.startswith("cus_")
    assert customer.pop("publishableKey").startswith("pk_test_")
    assert customer.pop("subscription") is None
    assert customer.pop("suspended") is False
    assert customer == body
    assert answer.headers["cache-control"] == "no-store"
    audited = await rows(select(audit_log).where(audit_log.c.actor != "operator"))
    assert [(each.action, each.object) for each in audited] == [("customer.create", customer_id)]
    assert audited[0].actor.startswith("key_")
    assert audited[0].request_id == answer.headers["x-request-id"]
    assert audited[0].project_id.startswith("prj_")
    assert audited[0].platform_id.startswith("plt_")
    assert "example" not in str(audited[0].details)


async def test_201_defaults(tenant: Tenant) -> None:
    answer = await tenant.client.post("/api/customers", json={"email": "a@b"})
    customer = answer.json()["customer"]
    assert (customer["plan"], customer["externalId"]) == ("free", customer["id"])


async def test_409_taken(tenant: Tenant, stranger: Tenant) -> None:
    await tenant.customer("u-1")
    answer = await tenant.client.post("/api/customers", json=NEW)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await stranger.client.post("/api/customers", json=NEW)).status_code == 201


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/email"]),
        ({"email": "nobody"}, ["/email"]),
        ({"email": "a@b", "plan": "none"}, ["/plan"]),
        ({"email": "a@b", "password": "secret"}, ["/password"]),
        (
            {"email": 1, "externalId": "", "publishableKey": "pk"},
            ["/email", "/externalId", "/publishableKey"],
        ),
        ({"email": "a@b", "firstName": "a\u0000"}, ["/firstName"]),
        ([], [""]),
    ],
)
async def test_422(tenant: Tenant, body: Any, pointers: list[str]) -> None:
    answer = await tenant.client.post("/api/customers", json=body)
    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == pointers
    assert "secret" not in answer.text


async def test_400_no_body(tenant: Tenant) -> None:
    assert (await tenant.client.post("/api/customers")).status_code == 400


async def test_200_pages(tenant: Tenant, stranger: Tenant) -> None:
    names = [(await tenant.customer(f"u-{n}"))["externalId"] for n in range(5)]
    await stranger.customer("theirs")
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await tenant.client.get("/api/customers", params={"limit": "2", **cursor})).json()
        seen += [c["externalId"] for c in page["data"]]
        assert page["hasMore"] is (page["nextCursor"] is not None)
        if not page["hasMore"]:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert seen == names


async def test_200_found_by_external_id(tenant: Tenant, stranger: Tenant) -> None:
    await tenant.customer("u-1")
    await tenant.customer("u-2")
    query = {"externalId": "u-2"}
    page = (await tenant.client.get("/api/customers", params=query)).json()
    assert [c["externalId"] for c in page["data"]] == ["u-2"]
    assert (await stranger.client.get("/api/customers", params=query)).json()["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=1.5",
        "limit=" + "9" * 5000,
        "cursor=%00",
        "cursor=nonsense!",
        "cursor=%F0%9F%92%A9",
        "nope=1",
        "limit=",
    ],
)
async def test_422_query(tenant: Tenant, query: str) -> None:
    answer = await tenant.client.get(f"/api/customers?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]


async def test_200_show_head_and_version(tenant: Tenant) -> None:
    customer = await tenant.customer("u-1")
    path = f"/api/customers/{customer['id']}"
    got, head = await tenant.client.get(path), await tenant.client.head(path)
    assert got.json() == {"success": True, "customer": customer}
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == got.headers["etag"]


async def test_200_change(tenant: Tenant) -> None:
    customer = await tenant.customer("u-1", firstName="Ada", metadata={"a": 1})
    path = f"/api/customers/{customer['id']}"
    answer = await tenant.client.patch(path, json={"plan": "pro", "firstName": None})
    changed = {**customer, "plan": "pro", "firstName": None}
    assert answer.json()["customer"] == changed
    assert (await tenant.client.get(path)).json()["customer"] == changed
    assert answer.headers["etag"] == (await tenant.client.get(path)).headers["etag"]


async def test_200_change_of_nothing(tenant: Tenant) -> None:
    customer = await tenant.customer("u-1")
    answer = await tenant.client.patch(f"/api/customers/{customer['id']}", json={})
    assert answer.json()["customer"] == customer


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"plan": "none"}, "/plan"),
        ({"plan": None}, "/plan"),
        ({"id": "x"}, "/id"),
        ({"externalId": "x"}, "/externalId"),
        ({"email": "x"}, "/email"),
    ],
)
async def test_422_change(tenant: Tenant, body: Any, pointer: str) -> None:
    customer = await tenant.customer("u-1")
    answer = await tenant.client.patch(f"/api/customers/{customer['id']}", json=body)
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_412_and_200_with_the_right_version(tenant: Tenant, method: str) -> None:
    customer = await tenant.customer("u-1")
    path = f"/api/customers/{customer['id']}"
    old = (await tenant.client.get(path)).headers["etag"]
    new = (await tenant.client.patch(path, json={"firstName": "B"})).headers["etag"]
    request: Any = {"json": {"lastName": "C"}} if method == "PATCH" else {}
    stale = await tenant.client.request(method, path, headers={"if-match": old}, **request)
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert (await tenant.client.get(path)).headers["etag"] == new
    both = {"if-match": f'"x", {new}'}
    assert (await tenant.client.request(method, path, headers=both, **request)).status_code < 300


async def test_204_delete_stops_the_keys(tenant: Tenant) -> None:
    customer = await tenant.customer("u-1")
    key = await tenant.key(customer["id"])
    path = f"/api/customers/{customer['id']}"
    answer = await tenant.client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await tenant.client.get(path)).status_code == 404
    assert (await tenant.client.delete(path)).status_code == 404
    assert (await tenant.client.get(f"/api/keys/{key['keyId']}")).json()["status"] == "revoked"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_404_a_strangers(tenant: Tenant, stranger: Tenant, method: str) -> None:
    customer = await tenant.customer("u-1")
    body: Any = {"json": {}} if method == "PATCH" else {}
    answers = [
        await stranger.client.request(method, f"/api/customers/{name}", **body)
        for name in (customer["id"], "cus_none")
    ]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    assert (await tenant.client.get(f"/api/customers/{customer['id']}")).status_code == 200


class TestIdempotency:
    async def test_a_repeat_gets_the_first_result(self, tenant: Tenant) -> None:
        field = {"idempotency-key": "k"}
        once = await tenant.client.post("/api/customers", json=NEW, headers=field)
        spelt = b'{ "externalId": "u-1", "email": "a@example.org" }'
        again = await tenant.client.post("/api/customers", content=spelt, headers=field)
        assert (once.status_code, again.status_code) == (201, 201)
        assert once.json() == again.json()
        assert "idempotency-replayed" not in once.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert len((await tenant.client.get("/api/customers")).json()["data"]) == 1

    async def test_422_other_parameters(self, tenant: Tenant) -> None:
        field = {"idempotency-key": "k"}
        await tenant.client.post("/api/customers", json=NEW, headers=field)
        answer = await tenant.client.post("/api/customers", json={"email": "b@b"}, headers=field)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")

    async def test_a_failure_is_not_remembered(self, tenant: Tenant) -> None:
        field = {"idempotency-key": "k"}
        bad = await tenant.client.post(
            "/api/customers", json={"email": "a@b", "plan": "none"}, headers=field
        )
        good = await tenant.client.post("/api/customers", json=NEW, headers=field)
        assert (bad.status_code, good.status_code) == (422, 201)

    async def test_it_is_forgotten_after_a_day(self, tenant: Tenant, clock: FakeClock) -> None:
        field = {"idempotency-key": "k"}
        await tenant.client.post("/api/customers", json={"email": "a@b"}, headers=field)
        clock.advance(24 * 3600 - 1)
        other = {"email": "c@d"}
        answer = await tenant.client.post("/api/customers", json=other, headers=field)
        assert answer.status_code == 422
        clock.advance(1)
        answer = await tenant.client.post("/api/customers", json=other, headers=field)
        assert answer.status_code == 201

    async def test_tenants_share_no_keys(self, tenant: Tenant, stranger: Tenant) -> None:
        field = {"idempotency-key": "k"}
        for each in (tenant, stranger):
            answer = await each.client.post("/api/customers", json=NEW, headers=field)
            assert "idempotency-replayed" not in answer.headers

    async def test_409_under_way(self, tenant: Tenant, database: Path) -> None:
        async def create() -> Any:
            field = {"idempotency-key": "k"}
            return await tenant.client.post("/api/customers", json=NEW, headers=field)

        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # Keeps the one that is first from its end.
            both = [asyncio.create_task(create()) for _ in range(2)]
            done, waiting = await asyncio.wait(
                both, timeout=LOCKED_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            other.execute("ROLLBACK")
        (early,), (late,) = [each.result() for each in done], [await each for each in waiting]
        assert (late.status_code, early.status_code) == (201, 409)
        assert early.headers["retry-after"] == "1"

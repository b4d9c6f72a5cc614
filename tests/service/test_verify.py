"""`POST /api/verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.service.conftest import Tenant


async def verify(tenant: Tenant, key: str, **more: Any) -> Any:
    answer = await tenant.client.post("/api/verify", json={"key": key, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_200_allowed_and_charged(tenant: Tenant) -> None:
    customer = await tenant.customer("u-1")
    key = await tenant.key(customer["id"], scopes=["read"])
    body = await verify(tenant, key["key"], cost=4, scopes=["read"])
    assert (body["allowed"], body["code"], body["plan"]) == (True, "allowed", "free")
    assert body["customer"] == {"id": customer["id"], "externalId": "u-1"}
    assert (body["keyId"], body["scopes"]) == (key["keyId"], ["read"])
    assert (body["usage"]["usageCount"], body["usage"]["remaining"]) == (4, 6)
    assert (body["policy"], body["retryAfter"]) == (None, None)


async def test_200_refused_by_the_quota(tenant: Tenant) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"])
    body = await verify(tenant, key["key"], cost=11)
    assert (body["allowed"], body["code"]) == (False, "quota_exceeded")
    assert body["policy"]
    assert (await verify(tenant, key["key"], cost=10))["allowed"] is True


async def test_200_a_peek_charges_nothing(tenant: Tenant) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"])
    assert (await verify(tenant, key["key"], cost=0))["usage"]["usageCount"] == 0


async def test_200_a_missing_scope(tenant: Tenant) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"])
    body = await verify(tenant, key["key"], scopes=["write"])
    assert (body["allowed"], body["code"]) == (False, "insufficient_scope")


async def test_200_a_strangers_key_is_unknown_and_not_charged(
    tenant: Tenant, stranger: Tenant
) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"])
    theirs = await verify(stranger, key["key"])
    assert theirs == await verify(stranger, "ak_test_" + "x" * 36)
    assert theirs["code"] == "invalid_credential"
    assert (await verify(tenant, key["key"], cost=0))["usage"]["usageCount"] == 0


async def test_200_a_revoked_key(tenant: Tenant) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"])
    await tenant.client.delete(f"/api/keys/{key['keyId']}")
    assert (await verify(tenant, key["key"]))["code"] == "invalid_credential"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/key"]),
        ({"key": ""}, ["/key"]),
        ({"key": "k", "cost": -1, "scopes": [1], "x": 1}, ["/cost", "/scopes/0", "/x"]),
    ],
)
async def test_422(tenant: Tenant, body: Any, pointers: list[str]) -> None:
    answer = await tenant.client.post("/api/verify", json=body)
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == pointers

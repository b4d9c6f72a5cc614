"""`POST /api/verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from dream_gateway.http1.request import Request

if TYPE_CHECKING:
    from tests.service.conftest import Tenant

    from dream_gateway.http.reply import Reply
    from dream_gateway.service.app import Service


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


def at_once(service: Service, tenant: Tenant, key: str, **more: Any) -> Reply | None:
    """Return what is answered from memory."""
    headers = [(b"host", b"h"), (b"authorization", b"Bearer " + tenant.secret_key.encode())]
    request = Request("POST", b"/api/verify", headers, "1.1")
    return service.try_respond(request, msgspec.json.encode({"key": key, **more}))


async def warm(tenant: Tenant, key: str, **more: Any) -> dict[str, Any]:
    """Use a key until there are leases to spend from."""
    for _ in range(50):
        body: dict[str, Any] = await verify(tenant, key, **more)
    return body


async def test_200_from_memory_is_the_same(service: Service, tenant: Tenant) -> None:
    key = await tenant.key((await tenant.customer("u-1", plan="pro"))["id"])
    slow = await warm(tenant, key["key"])
    quick = at_once(service, tenant, key["key"])
    assert quick is not None
    slow["usage"]["usageCount"] += 1
    assert (quick.status, msgspec.json.decode(quick.body)) == (200, slow)
    assert (await verify(tenant, key["key"]))["usage"]["usageCount"] == 52


@pytest.mark.parametrize("more", [{"cost": 0}, {"scopes": ["write"]}, {"ip": "11.0.0.1"}])
async def test_what_memory_cannot_say_is_asked(
    service: Service, tenant: Tenant, stranger: Tenant, more: dict[str, Any]
) -> None:
    customer = await tenant.customer("u-1", plan="pro")
    key = await tenant.key(customer["id"], allowedIps=["10.0.0.0/8"])
    asked: dict[str, Any] = {"ip": "10.1.2.3"}
    await warm(tenant, key["key"], **asked)
    await verify(stranger, key["key"], **asked)
    assert at_once(service, tenant, key["key"], **asked) is not None
    assert at_once(service, tenant, key["key"], **{**asked, **more}) is None
    assert at_once(service, stranger, key["key"], **asked) is None


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

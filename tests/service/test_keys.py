"""`/api/customers/{id}/keys` and `/api/keys/{keyId}`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from dream_gateway import keys
from dream_gateway.model import KeyKind, Mode
from dream_gateway.records.schema import api_keys, idempotency

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.conftest import Ask, Tenant

    from dream_gateway.gateway import Gateway
    from dream_gateway.testing.clock import FakeClock


async def test_201_the_secret_is_shown_once(tenant: Tenant) -> None:
    customer = await tenant.customer("u-1")
    answer = await tenant.client.post(
        f"/api/customers/{customer['id']}/keys",
        json={
            "name": "laptop",
            "scopes": ["read", "write", "read"],
            "expiresAt": "2030-01-01T01:00:00+01:00",
            "allowedIps": ["10.0.0.1/8", "::1"],
            "rate": {"limit": 5, "interval": "second"},
            "metadata": {"a": None},
        },
    )
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    key = body.pop("key")
    assert key.startswith("ak_test_")
    assert body["last4"] == key[-4:]
    assert body["scopes"] == ["read", "write"]
    assert body["expiresAt"] == "2030-01-01T00:00:00Z"
    assert body["allowedIps"] == ["10.0.0.0/8", "::1/128"]
    assert body["rate"] == {"limit": 5, "interval": "second", "burst": 5}
    assert (body["name"], body["status"], body["customerId"]) == (
        "laptop",
        "active",
        customer["id"],
    )
    shown = await tenant.client.get(f"/api/keys/{body['keyId']}")
    assert shown.json() == body
    assert key not in shown.text
    listed = await tenant.client.get(f"/api/customers/{customer['id']}/keys")
    assert listed.json() == {"data": [body], "nextCursor": None, "hasMore": False}


async def test_201_without_a_body(tenant: Tenant) -> None:
    customer = await tenant.customer("u-1")
    answer = await tenant.client.post(f"/api/customers/{customer['id']}/keys")
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ["/expiresAt"]),
        ({"expiresAt": "2030-01-01T00:00:00"}, ["/expiresAt"]),
        ({"expiresAt": 1}, ["/expiresAt"]),
        ({"allowedIps": ["::1", "10.0.0.0/99", "host"]}, ["/allowedIps/1", "/allowedIps/2"]),
        ({"rate": {"limit": 0}}, ["/rate/limit", "/rate/interval"]),
        ({"scopes": ["a b"], "key": "mine", "status": "active"}, ["/scopes/0", "/key", "/status"]),
        ({"name": "x" * 256}, ["/name"]),
    ],
)
async def test_422(tenant: Tenant, body: Any, pointers: list[str]) -> None:
    customer = await tenant.customer("u-1")
    answer = await tenant.client.post(f"/api/customers/{customer['id']}/keys", json=body)
    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == pointers


async def test_a_replay_has_no_secret(tenant: Tenant) -> None:
    customer = await tenant.customer("u-1")
    request: Any = {"headers": {"idempotency-key": "k"}, "json": {"name": "a"}}
    path = f"/api/customers/{customer['id']}/keys"
    once, again = [await tenant.client.post(path, **request) for _ in range(2)]
    assert (once.status_code, again.status_code) == (201, 201)
    first, replay = once.json(), again.json()
    assert "replayed" not in first
    secret = first.pop("key")
    assert replay.pop("replayed") is True
    assert replay == first
    assert secret not in again.text


def stored(folder: Path) -> list[bytes]:
    """Return what each file of the store holds."""
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def test_the_secret_is_kept_nowhere(tenant: Tenant, rows: Ask, tmp_path: Path) -> None:
    customer = await tenant.customer("u-1")
    path = f"/api/customers/{customer['id']}/keys"
    made = await tenant.client.post(path, headers={"idempotency-key": "k"})
    secret = made.json()["key"].encode()
    (kept,) = await rows(select(idempotency.c.body))
    assert made.json()["keyId"].encode() in kept.body
    assert secret not in kept.body
    files = stored(tmp_path)
    assert any(made.json()["keyId"].encode() in content for content in files)
    assert all(secret not in content for content in files)


async def test_200_change(tenant: Tenant) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"], name="a", scopes=["read"])
    path = f"/api/keys/{key['keyId']}"
    change = {
        "status": "disabled",
        "name": "b",
        "rate": {"limit": 1, "interval": "day", "burst": 2},
    }
    answer = await tenant.client.patch(path, json=change)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in change} == change
    assert answer.json()["scopes"] == ["read"]
    assert (await tenant.client.get(path)).json() == answer.json()
    back = await tenant.client.patch(path, json={"rate": None, "status": "active"})
    assert (back.json()["rate"], back.json()["status"]) == (None, "active")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": "revoked"}, "/status"),
        ({"last4": "x"}, "/last4"),
        ({"scopes": None}, "/scopes"),
        ({"allowedIps": ["x1"]}, "/allowedIps/0"),
    ],
)
async def test_422_change(tenant: Tenant, body: Any, pointer: str) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"])
    answer = await tenant.client.patch(f"/api/keys/{key['keyId']}", json=body)
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


async def test_412(tenant: Tenant) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"])
    path = f"/api/keys/{key['keyId']}"
    stale = {"if-match": '"old"'}
    for method, end, body in (("PATCH", "", {}), ("DELETE", "", None), ("POST", "/rotate", {})):
        request: Any = {} if body is None else {"json": body}
        answer = await tenant.client.request(method, path + end, headers=stale, **request)
        assert answer.status_code == 412
    now = {"if-match": (await tenant.client.get(path)).headers["etag"]}
    assert (await tenant.client.delete(path, headers=now)).status_code == 204


async def test_204_revoked_for_good(tenant: Tenant) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"])
    path = f"/api/keys/{key['keyId']}"
    assert (await tenant.client.delete(path)).status_code == 204
    assert (await tenant.client.delete(path)).status_code == 204
    assert (await tenant.client.get(path)).json()["status"] == "revoked"
    assert (await tenant.client.patch(path, json={"status": "active"})).status_code == 409
    assert (await tenant.client.post(path + "/rotate")).status_code == 409


async def test_200_rotate(tenant: Tenant) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"], name="a", scopes=["read"])
    answer = await tenant.client.post(
        f"/api/keys/{key['keyId']}/rotate",
        json={"graceSeconds": 60},
        headers={"idempotency-key": "k"},
    )
    body = answer.json()
    assert answer.status_code == 200
    new = {"keyId", "key", "last4"}
    assert all(body[name] != key[name] for name in new)
    assert {n: v for n, v in body.items() if n not in new} == {
        n: v for n, v in key.items() if n not in new
    }
    path = f"/api/customers/{key['customerId']}/keys"
    old, current = (await tenant.client.get(path)).json()["data"]
    assert (old["keyId"], current["keyId"]) == (key["keyId"], body["keyId"])
    assert (old["expiresAt"], current["expiresAt"]) == ("2027-01-15T08:01:00Z", None)
    again = await tenant.client.post(
        f"/api/keys/{key['keyId']}/rotate",
        json={"graceSeconds": 60},
        headers={"idempotency-key": "k"},
    )
    assert (again.status_code, again.json()["replayed"]) == (200, True)
    assert "key" not in again.json()


@pytest.mark.parametrize("grace", [-1, 1.5, "1", 30 * 86_400 + 1, None])
async def test_422_rotate(tenant: Tenant, grace: object) -> None:
    key = await tenant.key((await tenant.customer("u-1"))["id"])
    path = f"/api/keys/{key['keyId']}/rotate"
    answer = await tenant.client.post(path, json={"graceSeconds": grace})
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/graceSeconds"]


async def test_404_a_strangers(tenant: Tenant, stranger: Tenant) -> None:
    customer = await tenant.customer("u-1")
    key = await tenant.key(customer["id"])
    for name in (key["keyId"], "key_none"):
        path = f"/api/keys/{name}"
        answers = [
            await stranger.client.get(path),
            await stranger.client.patch(path, json={"status": "disabled"}),
            await stranger.client.delete(path),
            await stranger.client.post(path + "/rotate"),
        ]
        assert [a.status_code for a in answers] == [404] * 4
    path = f"/api/customers/{customer['id']}/keys"
    assert (await stranger.client.get(path)).status_code == 404
    assert (await stranger.client.post(path)).status_code == 404
    assert (await tenant.client.get(f"/api/keys/{key['keyId']}")).json()["status"] == "active"


async def test_404_a_secret_key_is_no_customer_key(tenant: Tenant, rows: Ask) -> None:
    ((own,),) = await rows(select(api_keys.c.id).where(api_keys.c.kind == "sk"))
    assert (await tenant.client.get(f"/api/keys/{own}")).status_code == 404


async def test_200_pages(tenant: Tenant) -> None:
    customer = await tenant.customer("u-1")
    made = [(await tenant.key(customer["id"]))["keyId"] for _ in range(3)]
    path = f"/api/customers/{customer['id']}/keys"
    first = (await tenant.client.get(path, params={"limit": "2"})).json()
    rest = (await tenant.client.get(path, params={"cursor": first["nextCursor"]})).json()
    assert [k["keyId"] for k in first["data"] + rest["data"]] == made
    assert (first["hasMore"], rest["hasMore"]) == (True, False)


class TestDigests:
    """`POST /api/customers/{id}/keys` with the digest of a key that the customer has already."""

    async def test_201_the_key_works_and_is_not_told(self, tenant: Tenant) -> None:
        secret = keys.mint(KeyKind.CUSTOMER, Mode.TEST)
        path = f"/api/customers/{(await tenant.customer('u-1'))['id']}/keys"
        body = {"digest": keys.digest(secret).hex(), "last4": secret[-4:], "name": "old"}
        made = await tenant.client.post(path, json=body)
        assert made.status_code == 201
        assert (made.json()["last4"], "key" in made.json()) == (secret[-4:], False)
        verified = await tenant.client.post("/api/verify", json={"key": secret})
        assert (verified.json()["allowed"], verified.json()["keyId"]) == (
            True,
            made.json()["keyId"],
        )

    async def test_409_a_key_that_is_there_whoever_has_it(
        self, tenant: Tenant, stranger: Tenant
    ) -> None:
        key = await tenant.key((await tenant.customer("u-1"))["id"])
        path = f"/api/customers/{(await stranger.customer('u-1'))['id']}/keys"
        body = {"digest": keys.digest(key["key"]).hex()}
        answer = await stranger.client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        verified = await tenant.client.post("/api/verify", json={"key": key["key"]})
        assert verified.json()["allowed"] is True

    @pytest.mark.parametrize("digest", ["", "0" * 63, "G" * 64, "A" * 64])
    async def test_422(self, tenant: Tenant, digest: str) -> None:
        path = f"/api/customers/{(await tenant.customer('u-1'))['id']}/keys"
        answer = await tenant.client.post(path, json={"digest": digest})
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/digest"]


async def test_200_the_last_use_is_told_and_makes_no_other_version(
    gateway: Gateway, tenant: Tenant, clock: FakeClock
) -> None:
    customer = await tenant.customer("u-1")
    key = await tenant.key(customer["id"])
    path = f"/api/keys/{key['keyId']}"
    before = await tenant.client.get(path)
    assert (key["lastUsedAt"], before.json()["lastUsedAt"]) == (None, None)
    await tenant.client.post("/api/verify", json={"key": key["key"]})
    assert gateway.rollup is not None
    gateway.rollup.collect()
    await gateway.rollup.write()
    after = await tenant.client.get(path)
    assert datetime.fromisoformat(after.json()["lastUsedAt"]).timestamp() == clock.now()
    (listed,) = (await tenant.client.get(f"/api/customers/{customer['id']}/keys")).json()["data"]
    assert listed == after.json()
    assert after.headers["etag"] == before.headers["etag"]
    own = {"if-match": before.headers["etag"]}
    changed = await tenant.client.patch(path, headers=own, json={"name": "laptop"})
    assert (changed.status_code, changed.json()["lastUsedAt"]) == (200, listed["lastUsedAt"])
    turned = (await tenant.client.post(f"{path}/rotate")).json()
    assert turned["lastUsedAt"] is None

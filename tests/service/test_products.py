"""`/api/products` and `/api/products/{id}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx
    from tests.service.conftest import Tenant

MUG = {"name": "mug", "price": 1999}


async def product(tenant: Tenant, **values: Any) -> dict[str, Any]:
    answer = await tenant.client.post("/api/products", json={**MUG, **values})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_201_listed_by_either_key(anybody: httpx.AsyncClient, tenant: Tenant) -> None:
    made = await product(
        tenant,
        description="Holds tea.\nDishwasher-safe.",
        imageUrl="https://example.com/mug.png",
        inventory=2,
        features=["blue"],
    )
    assert made.pop("id").startswith("prod_")
    assert made == {
        "name": "mug",
        "displayName": "mug",
        "description": "Holds tea.\nDishwasher-safe.",
        "price": 1999,
        "currency": "usd",
        "imageUrl": "https://example.com/mug.png",
        "inventory": 2,
        "soldOut": False,
        "priceId": None,
        "productId": None,
        "features": ["blue"],
        "createdAt": "2027-01-15T08:00:00Z",
    }
    by_publishable = await anybody.get(
        "/api/products", headers={"x-publishable-key": tenant.publishable_key}
    )
    by_secret = await tenant.client.get("/api/products")
    assert by_secret.json() == by_publishable.json()
    assert [each["name"] for each in by_secret.json()["products"]] == ["mug"]


@pytest.mark.parametrize(
    ("values", "sold_out"),
    [({}, False), ({"inventory": 0}, True), ({"inventory": 1, "soldOut": True}, True)],
)
async def test_sold_out(tenant: Tenant, values: dict[str, Any], sold_out: bool) -> None:
    assert (await product(tenant, **values))["soldOut"] is sold_out


async def test_200_replaced_and_204_deleted(tenant: Tenant) -> None:
    made = await product(tenant, description="old")
    path = f"/api/products/{made['id']}"
    changed = await tenant.client.put(path, json={"name": "cup", "price": 5})
    assert changed.json() == {
        **made,
        "name": "cup",
        "displayName": "cup",
        "price": 5,
        "description": "",
    }
    assert (await tenant.client.get(path)).json() == changed.json()
    assert (await tenant.client.delete(path)).status_code == 204
    assert (await tenant.client.get(path)).status_code == 404
    assert (await tenant.client.get("/api/products")).json() == {"products": []}
    await product(tenant, name="cup")


async def test_409_a_name_that_is_taken(tenant: Tenant, stranger: Tenant) -> None:
    await product(tenant)
    other = await product(tenant, name="cup")
    await product(stranger)
    assert (await tenant.client.post("/api/products", json=MUG)).status_code == 409
    path = f"/api/products/{other['id']}"
    assert (await tenant.client.put(path, json=MUG)).status_code == 409


async def test_412_changed_meanwhile(tenant: Tenant) -> None:
    path = f"/api/products/{(await product(tenant))['id']}"
    match = {"if-match": (await tenant.client.get(path)).headers["etag"]}
    changed = {**MUG, "price": 1}
    assert (await tenant.client.put(path, json=changed, headers=match)).status_code == 200
    assert (await tenant.client.put(path, json=MUG, headers=match)).status_code == 412
    assert (await tenant.client.delete(path, headers=match)).status_code == 412


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"price": 19.99}, "/price"),
        ({"price": "1999"}, "/price"),
        ({"inventory": -1}, "/inventory"),
        ({"imageUrl": "javascript:alert(1)"}, "/imageUrl"),
        ({"imageUrl": 'https://a"onerror="x'}, "/imageUrl"),
        ({"name": ""}, "/name"),
        ({"currency": "dollars"}, "/currency"),
    ],
)
async def test_422(tenant: Tenant, values: dict[str, Any], pointer: str) -> None:
    answer = await tenant.client.post("/api/products", json={**MUG, **values})
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]

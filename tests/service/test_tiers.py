"""`GET /api/tiers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx
    from tests.service.conftest import Tenant


async def test_200_by_either_key(anybody: httpx.AsyncClient, tenant: Tenant) -> None:
    by_secret = await tenant.client.get("/api/tiers")
    by_publishable = await anybody.get(
        "/api/tiers", headers={"x-publishable-key": tenant.publishable_key}
    )
    assert by_secret.status_code == by_publishable.status_code == 200
    assert by_secret.json() == by_publishable.json()
    free, pro, big, slow = by_secret.json()["tiers"]
    assert free == {
        "name": "free",
        "displayName": "Free",
        "price": 0,
        "currency": "usd",
        "limit": 10,
        "interval": "month",
        "rate": None,
        "priceId": None,
        "productId": None,
        "features": [],
        "popular": False,
        "trialDays": 0,
        "overage": None,
        "billingInterval": "month",
    }
    assert (pro["limit"], pro["price"], pro["features"]) == ("unlimited", 1999, ["a", "b"])
    assert (big["popular"], big["trialDays"]) == (True, 14)
    assert (slow["interval"], slow["rate"]) == (None, {"limit": 2, "interval": "hour", "burst": 2})


class TestWriting:
    """`POST /api/tiers`, `GET`, `PUT` and `DELETE /api/tiers/{name}`."""

    async def test_201_and_what_is_left_out_has_its_default(self, tenant: Tenant) -> None:
        made = await tenant.client.post("/api/tiers", json={"name": "team", "limit": 5})
        assert made.status_code == 201
        assert made.json() == {
            "name": "team",
            "displayName": "team",
            "price": 0,
            "currency": "usd",
            "limit": 5,
            "interval": "month",
            "rate": None,
            "priceId": None,
            "productId": None,
            "features": [],
            "popular": False,
            "trialDays": 0,
            "overage": None,
            "billingInterval": "month",
        }
        shown = await tenant.client.get("/api/tiers/team")
        assert shown.json() == made.json()
        assert shown.headers["etag"] == made.headers["etag"]

    async def test_200_replaced_whole_in_its_place(self, tenant: Tenant) -> None:
        body = {"limit": 20, "rate": {"limit": 3, "interval": "second"}, "price": 100}
        changed = await tenant.client.put("/api/tiers/free", json=body)
        assert (changed.status_code, changed.json()["displayName"]) == (200, "free")
        assert changed.json()["rate"] == {"limit": 3, "interval": "second", "burst": 3}
        names = [each["name"] for each in (await tenant.client.get("/api/tiers")).json()["tiers"]]
        assert names == ["free", "pro", "big", "slow"]

    async def test_use_beyond_the_limit_has_a_price(self, tenant: Tenant) -> None:
        body = {"limit": 20, "overage": {"price": 50}}
        changed = await tenant.client.put("/api/tiers/free", json=body)
        assert changed.json()["overage"] == {"price": 50, "per": 1}

    async def test_paid_by_the_year(self, tenant: Tenant) -> None:
        body = {"limit": 5, "price": 9900, "billingInterval": "year"}
        made = await tenant.client.put("/api/tiers/pro", json=body)
        assert (made.json()["billingInterval"], made.json()["interval"]) == ("year", "month")
        assert (await tenant.client.get("/api/tiers/pro")).json() == made.json()

    async def test_units_need_not_be_counted(self, tenant: Tenant) -> None:
        body = {"name": "open", "interval": None}
        assert (await tenant.client.post("/api/tiers", json=body)).json()["interval"] is None
        await tenant.customer("u-1", plan="open")
        charged = await tenant.client.post("/api/data", headers={"x-user-id": "u-1"})
        assert charged.json()["usage"]["periodStart"] is None

    async def test_a_repeat_gets_the_first_result(self, tenant: Tenant) -> None:
        field, body = {"idempotency-key": "k"}, {"name": "team"}
        for replayed in (None, "true"):
            answer = await tenant.client.post("/api/tiers", json=body, headers=field)
            assert answer.status_code == 201
            assert answer.headers.get("idempotency-replayed") == replayed

    async def test_204_removed(self, tenant: Tenant) -> None:
        assert (await tenant.client.delete("/api/tiers/big")).status_code == 204
        assert (await tenant.client.get("/api/tiers/big")).status_code == 404

    async def test_409(self, tenant: Tenant) -> None:
        await tenant.customer("u-1", plan="pro")
        assert (await tenant.client.post("/api/tiers", json={"name": "pro"})).status_code == 409
        assert (await tenant.client.delete("/api/tiers/pro")).status_code == 409
        assert (await tenant.client.delete("/api/tiers/free")).status_code == 409

    async def test_412(self, tenant: Tenant) -> None:
        match = {"if-match": (await tenant.client.get("/api/tiers/pro")).headers["etag"]}
        put = tenant.client.put
        assert (await put("/api/tiers/pro", json={"price": 1}, headers=match)).status_code == 200
        assert (await put("/api/tiers/pro", json={"price": 2}, headers=match)).status_code == 412
        assert (await tenant.client.delete("/api/tiers/pro", headers=match)).status_code == 412

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"name": "a/b"}, "/name"),
            ({"name": ".."}, "/name"),
            ({"name": "a", "price": 19.99}, "/price"),
            ({"name": "a", "price": -1}, "/price"),
            ({"name": "a", "currency": "USD"}, "/currency"),
            ({"name": "a", "limit": "many"}, "/limit"),
            ({"name": "a", "limit": 1, "interval": None}, "/interval"),
            ({"name": "a", "allowances": []}, "/allowances"),
            ({"name": "a", "overage": {"price": 5}}, "/overage"),
            ({"name": "a", "limit": 1, "interval": "hour", "overage": {"price": 5}}, "/overage"),
            ({"name": "a", "limit": 1, "overage": {"price": 0}}, "/overage/price"),
            ({"name": "a", "limit": 1, "overage": {"price": 1, "per": 0}}, "/overage/per"),
        ],
    )
    async def test_422(self, tenant: Tenant, body: dict[str, object], pointer: str) -> None:
        answer = await tenant.client.post("/api/tiers", json=body)
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]

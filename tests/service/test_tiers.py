"""`GET /api/tiers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    }
    assert (pro["limit"], pro["price"], pro["features"]) == ("unlimited", 1999, ["a", "b"])
    assert (big["popular"], big["trialDays"]) == (True, 14)
    assert (slow["interval"], slow["rate"]) == (None, {"limit": 2, "interval": "hour", "burst": 2})

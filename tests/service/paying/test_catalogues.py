"""`/platform/projects/{projectId}/catalogue` and `/drift`, and what pushes do at the fake Stripe."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dream_gateway.billing.catalogue import CHECK_SECONDS, LEASE_SECONDS, REPAIR_SECONDS
from dream_gateway.records import pushes
from dream_gateway_stripe.testing import Moment

if TYPE_CHECKING:
    import httpx
    from tests.service.paying.conftest import Street

    from dream_gateway.testing.clock import FakeClock


def path(street: Street) -> str:
    return f"/platform/projects/{street.tenant.project.id}/catalogue"


async def shown(street: Street, operator: httpx.AsyncClient) -> dict[str, Any]:
    answer = await operator.get(path(street))
    assert answer.status_code == 200, answer.text
    catalogue: dict[str, Any] = answer.json()
    return catalogue


async def drift(street: Street, operator: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await operator.get(f"{path(street)}/drift")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["drift"]
    return found


@pytest.fixture
def operator(operator: httpx.AsyncClient, street: Street) -> httpx.AsyncClient:
    operator.headers["x-platform-id"] = street.tenant.project.platform_id
    return operator


async def test_what_costs_something_is_on_sale(street: Street, operator: httpx.AsyncClient) -> None:
    put, body = street.tenant.client.put, {"limit": 5, "price": 9900, "billingInterval": "year"}
    assert (await put("/api/tiers/big", json=body)).status_code == 200
    mug = await street.on_sale(description="Holds tea.", imageUrl="https://example.com/mug.png")
    catalogue = await shown(street, operator)
    assert (catalogue["status"], catalogue["fault"]) == ("done", None)
    found = {(each["kind"], each["ref"]): each for each in catalogue["onSale"]}
    assert found.keys() == {("tier", "pro"), ("tier", "big"), ("product", mug["id"])}
    assert found["tier", "big"]["interval"] == "year"
    assert found["product", mug["id"]]["priceId"] == mug["priceId"]
    tiers = (await street.tenant.client.get("/api/tiers")).json()["tiers"]
    assert {t["name"]: t["priceId"] for t in tiers} == {
        "free": None,
        "pro": found["tier", "pro"]["priceId"],
        "big": found["tier", "big"]["priceId"],
        "slow": None,
    }
    products = {each["name"]: each for each in street.objects("product")}
    assert products["mug"]["description"] == "Holds tea."
    prices = {each["id"]: each for each in street.objects("price")}
    assert prices[mug["priceId"]]["unit_amount"] == 1999
    assert await drift(street, operator) == []


async def test_another_price_is_a_new_one_and_the_old_one_is_no_longer_sold(
    street: Street, operator: httpx.AsyncClient
) -> None:
    mug = await street.on_sale()
    body = {"name": "mug", "price": 2999, "currency": "eur"}
    changed = await street.tenant.client.put(f"/api/products/{mug['id']}", json=body)
    # Until the provider has it, the old one goes on.
    assert changed.json()["priceId"] == mug["priceId"]
    await street.pushed()
    now = (await street.tenant.client.get(f"/api/products/{mug['id']}")).json()
    assert now["priceId"] != mug["priceId"]
    assert now["productId"] == mug["productId"]
    prices = {each["id"]: each for each in street.objects("price")}
    assert (prices[mug["priceId"]]["active"], prices[now["priceId"]]["active"]) == (False, True)
    # And back: what was there before is sold again.
    body["price"] = 1999
    await street.tenant.client.put(f"/api/products/{mug['id']}", json=body)
    await street.pushed()
    back = (await street.tenant.client.get(f"/api/products/{mug['id']}")).json()
    assert back["priceId"] == mug["priceId"]


async def test_what_is_deleted_is_withdrawn(street: Street, operator: httpx.AsyncClient) -> None:
    mug = await street.on_sale()
    await street.tenant.client.delete(f"/api/products/{mug['id']}")
    await street.tenant.client.delete("/api/tiers/pro")
    await street.pushed()
    assert (await shown(street, operator))["onSale"] == []
    assert [each["active"] for each in street.objects("product")] == [False, False]
    assert (await street.buy((mug, 1))).status_code == 422


async def test_a_repeat_changes_nothing(street: Street, operator: httpx.AsyncClient) -> None:
    await street.on_sale()
    before = [street.objects(kind) for kind in ("product", "price")]
    answer = await operator.post(path(street))
    assert answer.status_code == 200, answer.text
    assert [street.objects(kind) for kind in ("product", "price")] == before


@pytest.mark.parametrize("moment", list(Moment))
async def test_while_the_provider_is_away_it_is_tried_again(
    street: Street, operator: httpx.AsyncClient, clock: FakeClock, moment: Moment
) -> None:
    await street.product()
    street.fake.fail("/v1/p", status=503, times=30, moment=moment)
    await street.pushed()
    waiting = await shown(street, operator)
    assert (waiting["status"], waiting["onSale"]) == ("pending", [])
    assert waiting["fault"] is not None
    street.fake.api.troubles.clear()
    clock.advance(60)
    await street.pushed()
    assert (await shown(street, operator))["status"] == "done"
    assert await drift(street, operator) == []
    assert len(street.objects("product")) == len(street.objects("price")) == 2


async def test_what_is_refused_is_undone_as_a_whole(
    street: Street, operator: httpx.AsyncClient
) -> None:
    mug = await street.on_sale()
    before = await shown(street, operator)
    long = {"name": "mug", "price": 2999, "currency": "eur", "features": ["x" * 81]}
    await street.tenant.client.put("/api/tiers/pro", json={"price": 5, "limit": 1})
    await street.tenant.client.put(f"/api/products/{mug['id']}", json=long)
    answer = await operator.post(path(street))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    failed = await shown(street, operator)
    assert failed["status"] == "failed"
    assert "features" in failed["fault"]
    assert failed["onSale"] == before["onSale"]
    active = {each["id"] for each in street.objects("price") if each["active"]}
    assert active == {each["priceId"] for each in before["onSale"]}
    # What is not the product's price any more is not taken from anybody, though.
    assert (await street.buy((mug, 1))).status_code == 409
    await street.tenant.client.put(f"/api/products/{mug['id']}", json={**long, "features": ["x"]})
    await street.pushed()
    assert (await shown(street, operator))["status"] == "done"
    renewed = (await street.tenant.client.get(f"/api/products/{mug['id']}")).json()
    assert (await street.buy((renewed, 1))).status_code == 200


async def test_who_died_while_pushing_is_followed_by_somebody_else(
    street: Street, operator: httpx.AsyncClient, clock: FakeClock
) -> None:
    await street.product()
    async with street.engine.records.write("test") as writer:
        await pushes.take(writer, street.tenant.project.id, LEASE_SECONDS, due=False)
    await street.pushed()
    assert (await shown(street, operator))["onSale"] == []
    answer = await operator.post(path(street))
    assert (answer.status_code, "retry-after" in answer.headers) == (409, True)
    clock.advance(LEASE_SECONDS)
    await street.pushed()
    assert (await shown(street, operator))["status"] == "done"


async def test_what_changes_during_a_push_is_pushed_after_it(
    street: Street, operator: httpx.AsyncClient
) -> None:
    mug = await street.on_sale()
    body = {"name": "mug", "price": 2999, "currency": "eur"}
    put = street.tenant.client.put(f"/api/products/{mug['id']}", json=body)
    pushed, _ = await asyncio.gather(operator.post(path(street)), put)
    assert pushed.status_code in {200, 409}
    await street.pushed()
    catalogue = await shown(street, operator)
    assert catalogue["status"] == "done"
    assert [p["amount"] for p in catalogue["onSale"] if p["kind"] == "product"] == [2999]
    assert await drift(street, operator) == []


class TestDrift:
    """What somebody changes at the provider."""

    async def test_is_told_and_repaired(self, street: Street, operator: httpx.AsyncClient) -> None:
        mug = await street.on_sale()
        street.at_stripe(mug["productId"], name="Cup")
        assert await drift(street, operator) == [
            {"kind": "product", "ref": mug["id"], "problem": "different", "fields": ["name"]}
        ]
        street.at_stripe(mug["productId"], active=False)
        assert [each["problem"] for each in await drift(street, operator)] == ["missing"]
        assert (await operator.post(path(street))).status_code == 200
        assert await drift(street, operator) == []

    async def test_is_repaired_after_news_of_it(
        self, street: Street, operator: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        mug = await street.on_sale()
        await street.news()
        await street.pushed()
        street.at_stripe(mug["productId"], name="Cup")
        await street.tell_of(
            street.account, "product.updated", {"id": mug["productId"], "object": "product"}
        )
        assert (await shown(street, operator))["status"] == "pending"
        clock.advance(REPAIR_SECONDS)
        await street.pushed()
        assert await drift(street, operator) == []

    async def test_is_repaired_without_any_news(
        self, street: Street, operator: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        mug = await street.on_sale()
        street.at_stripe(mug["productId"], name="Cup")
        clock.advance(CHECK_SECONDS)
        await street.pushed()
        assert await drift(street, operator) == []

    async def test_is_not_what_our_own_pushes_lead_to(self, street: Street) -> None:
        await street.on_sale()
        for _ in range(3):
            await street.news()
            await street.pushed()
        assert not street.fake.pending()
        assert len(street.objects("product")) == len(street.objects("price")) == 2


async def test_409_without_an_account(street: Street, operator: httpx.AsyncClient) -> None:
    project = await operator.post("/platform/projects", json={"name": "live", "mode": "live"})
    other = f"/platform/projects/{project.json()['project']['id']}/catalogue"
    for answer in (await operator.post(other), await operator.get(f"{other}/drift")):
        assert (answer.status_code, answer.json()["code"]) == (409, "billing_account_missing")
    assert (await operator.get(other)).json()["status"] == "never"

"""`/dashboard/{project}/keys`, `/tiers`, `/products`, `/orders`: made by few queries, changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.dashboard.conftest import Board, listened
from tests.dashboard.test_customers import send_to

from dream_gateway.demo.crowd import Crowd, populate
from dream_gateway.model import Interval, KeyKind, KeyStatus
from dream_gateway.records import credentials, products, tiers

if TYPE_CHECKING:
    from tests.local.conftest import Browser

    from dream_gateway.model import Credential, Tier

SMALL = Crowd(customers=40, days=5, events=5, orders=60)
MOST_BYTES = 100_000
MOST_QUERIES = 9
Shop = tuple[Board, "Browser", str]
TIER = {"name": "pro", "price": "19.99", "currency": "usd", "limit": "10,000", "interval": "month"}
PRODUCT = {"name": "mug", "price": "12", "currency": "jpy"}


@pytest.fixture
async def shop(board: Board) -> Shop:
    ada = await board.developer()
    return board, ada, await board.project(ada)


async def test_lists_are_made_by_few_queries(anywhere: Board) -> None:
    ada = await anywhere.developer()
    project = await anywhere.project(ada)
    ledger = anywhere.gateway.stores.ledger()
    await populate(anywhere.gateway.records, ledger, project, SMALL)
    said = listened(anywhere)
    for page in ("keys", "tiers", "tiers/edit/pro", "products", "orders"):
        said.clear()
        answer = await ada.open(f"/dashboard/{project}/{page}")
        assert answer.status_code == 200, page
        assert 3 < len([each for each in said if each.startswith("SELECT")]) <= MOST_QUERIES, page
        assert len(answer.content) < MOST_BYTES
        assert 'style="' not in answer.text
    assert answer.text.count('<th scope="row"') == 50
    (after,) = [part.split('"')[0] for part in answer.text.split('small" href="')[1:]]
    answer = await ada.open(after.replace("&amp;", "&"))
    assert answer.text.count('<th scope="row"') == 10


async def test_secret_keys_are_made_rotated_and_revoked(shop: Shop) -> None:
    board, ada, project = shop
    home = f"/dashboard/{project}/keys"
    await ada.open(f"{home}/new")
    assert await send_to(ada, "/keys/new", {"name": "ci", "expiresAt": "2040-01-01T00:00"}) == 201
    assert ada.shown.count("sk_test_") == 1
    made = next(key for key in await keys_of(board, project) if key.name == "ci")
    assert made.expires_at == 2_208_988_800
    await ada.open(f"{home}/{made.id}")
    assert await send_to(ada, made.id, {"graceSeconds": "86400"}) == 201
    assert "sk_test_" in ada.shown
    await ada.open(home)
    assert "sk_test_…" in ada.shown
    assert await send_to(ada, f"{made.id}/revoke", {}) == 303
    revoked = next(key for key in await keys_of(board, project) if key.id == made.id)
    assert revoked.status is KeyStatus.REVOKED


async def test_the_publishable_key_is_rotated(shop: Shop) -> None:
    board, ada, project = shop
    (old,) = [key for key in await keys_of(board, project) if key.kind is KeyKind.PUBLISHABLE]
    await ada.open(f"/dashboard/{project}/keys/{old.id}")
    assert await send_to(ada, old.id, {"graceSeconds": "0"}) == 201
    shown = [key for key in await keys_of(board, project) if key.kind is KeyKind.PUBLISHABLE]
    assert len(shown) == 2


async def test_a_tier_is_made_changed_and_removed(shop: Shop) -> None:
    board, ada, project = shop
    home = f"/dashboard/{project}/tiers"
    await ada.open(f"{home}/new")
    values = {**TIER, "price": "1.999", "limit": "many", "rateLimit": "5", "rateInterval": "hour"}
    assert await send_to(ada, "/tiers/new", values) == 422
    assert 'id="price-error"' in ada.shown
    assert 'id="limit-error"' in ada.shown
    values = {**TIER, "currency": "dollars"}
    assert await send_to(ada, "/tiers/new", values) == 422
    assert 'id="currency-error"' in ada.shown
    values = {**TIER, "features": "One\n\nTwo ", "popular": "1", "overagePrice": "0.01"}
    assert await send_to(ada, "/tiers/new", values) == 303
    tier = await tier_of(board, project)
    assert (tier.price, tier.features, tier.popular) == (1999, ("One", "Two"), True)
    assert tier.quota is not None
    assert (tier.quota.limit, tier.quota.interval) == (10_000, Interval.MONTH)
    assert tier.overage is not None
    await ada.open(f"{home}/edit/pro")
    form = ada.shown
    assert 'value="19.99"' in form
    changed = {**TIER, "price": "25", "limit": "", "rateLimit": "5", "rateInterval": "hour"}
    assert await send_to(ada, "/edit/pro", changed) == 303
    tier = await tier_of(board, project)
    assert (tier.price, tier.popular, tier.overage) == (2500, False, None)
    assert tier.rate is not None
    ada.shown = form
    assert await send_to(ada, "/edit/pro", {**TIER, "price": "1"}) == 422
    assert (await tier_of(board, project)).price == 2500
    await ada.open(f"{home}/edit/pro")
    assert await send_to(ada, "/delete", {}) == 303
    assert (await ada.open(f"{home}/edit/pro")).status_code == 404


async def test_a_product_is_made_changed_and_deleted(shop: Shop) -> None:
    board, ada, project = shop
    home = f"/dashboard/{project}/products"
    await ada.open(f"{home}/new")
    assert await send_to(ada, "/products/new", {**PRODUCT, "imageUrl": "javascript:1"}) == 422
    assert 'id="imageUrl-error"' in ada.shown
    picture = "https://images.example.com/mug.png"
    values = {**PRODUCT, "inventory": "3", "imageUrl": picture}
    assert await send_to(ada, "/products/new", values) == 303
    async with board.gateway.records.read() as connection:
        (product,) = await products.of_project(connection, project)
    assert (product.price, product.inventory) == (12, 3)
    answer = await ada.open(home)
    assert "https://images.example.com" in answer.headers["content-security-policy"]
    await ada.open(f"{home}/{product.id}")
    assert await send_to(ada, product.id, {**values, "soldOut": "1"}) == 303
    await ada.open(home)
    assert "sold out" in ada.shown
    await ada.open(f"{home}/{product.id}")
    assert await send_to(ada, "/delete", {}) == 303
    assert (await ada.open(f"{home}/{product.id}")).status_code == 404


async def keys_of(board: Board, project: str) -> list[Credential]:
    async with board.gateway.records.read() as connection:
        return await credentials.of_project(
            connection, project, [KeyKind.SECRET, KeyKind.PUBLISHABLE], None, None
        )


async def tier_of(board: Board, project: str) -> Tier:
    async with board.gateway.records.read() as connection:
        found = await tiers.named(connection, project, "pro")
    assert found is not None
    return found

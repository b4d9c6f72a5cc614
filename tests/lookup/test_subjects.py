"""What keys stand for, and what their customers share."""

from __future__ import annotations

import asyncio

from tests.lookup.shop import OPTIONS, TIERS, Shop
from tests.waiting import PATIENCE_SECONDS

from dream_gateway import keys
from dream_gateway.model import KeyKind, Mode


async def test_a_key_stands_for_its_customer_tier_and_project(shop: Shop) -> None:
    found = await shop.lookup.key(shop.key.secret)
    assert found is not None
    assert found.customer == shop.ada
    assert found.project == shop.platform.project
    assert found.tier == TIERS[0]
    assert found.credential == shop.key.credential
    assert shop.lookup.peek_key(shop.key.secret) is found
    assert shop.store.asked == ["credential", "project", "customer", "tiers"]


async def test_keys_of_one_customer_share_what_is_known_of_them(shop: Shop) -> None:
    await shop.plan()
    other = await shop.administration.create_key(shop.ada.project_id, "ada")
    shop.store.asked.clear()
    assert await shop.lookup.key(other.secret) is not None
    assert shop.store.asked == ["credential"]


async def test_an_unknown_key_is_none_and_is_asked_for_once(shop: Shop) -> None:
    unknown = keys.mint(KeyKind.CUSTOMER, Mode.TEST)
    assert shop.lookup.peek_key(unknown) is None
    assert shop.store.asked == []
    assert [await shop.lookup.key(unknown) for _ in range(3)] == [None] * 3
    assert shop.store.asked == ["credential"]
    shop.clock.advance(OPTIONS.negative_ttl)
    assert await shop.lookup.key(unknown) is None
    assert shop.store.asked == ["credential"] * 2


async def test_a_secret_key_stands_for_no_customer(shop: Shop) -> None:
    assert await shop.lookup.key(shop.platform.secret_key) is None
    found = await shop.lookup.credential(keys.digest(shop.platform.secret_key))
    assert found is not None
    assert found.kind is KeyKind.SECRET


async def test_a_customer_another_worker_registers_is_seen_in_a_short_while(
    followed: Shop,
) -> None:
    project = followed.ada.project_id
    assert await followed.lookup.customer(project, "bob") is None
    made = await followed.administration.create_customer(project, "bob", "pro")
    await followed.caught_up()
    followed.clock.advance(OPTIONS.negative_ttl)
    assert await followed.lookup.customer(project, "bob") == made


async def test_who_registers_a_customer_another_worker_has_gets_theirs(followed: Shop) -> None:
    project = followed.ada.project_id
    assert await followed.lookup.customer(project, "bob") is None
    made = await followed.administration.create_customer(project, "bob", "pro")
    assert await followed.lookup.register(project, "bob", "free", 0.0) == made
    assert await followed.lookup.customer(project, "bob") == made


async def test_a_customer_registered_while_they_are_looked_for_is_found(followed: Shop) -> None:
    project = followed.ada.project_id
    followed.store.hold("customer")
    before = asyncio.create_task(followed.lookup.customer(project, "bob"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await followed.store.read["customer"].wait()
    made = await followed.lookup.register(project, "bob", "free", 0.0)
    followed.store.let_go("customer")
    assert await before is None
    assert await followed.lookup.customer(project, "bob") == made


async def test_a_customer_is_found_by_either_of_their_names(shop: Shop) -> None:
    project = shop.ada.project_id
    assert await shop.lookup.customer(project, "ada") == shop.ada
    assert await shop.lookup.customer(project, shop.ada.id) == shop.ada
    assert await shop.lookup.customer("prj_other", "ada") is None

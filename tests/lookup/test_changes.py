"""What changes is seen, whatever was being read meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.lookup.shop import SOMEBODY, TIERS, Shop, opened
from tests.waiting import eventually

from dream_gateway.errors import (
    InvalidCredentialError,
    PlatformSuspendedError,
)
from dream_gateway.gateway import Gateway
from dream_gateway.model import KeyStatus
from dream_gateway.records import customers
from dream_gateway.settings import Settings
from dream_gateway.storage import Subject
from dream_gateway.testing import FakeClock
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_revoked_key_is_gone_with_the_feeds_next_batch(followed: Shop) -> None:
    await followed.administration.revoke_key(followed.key.credential.id)
    await followed.caught_up()
    assert not followed.in_memory()
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert found.credential is not None
    assert found.credential.status is KeyStatus.REVOKED


@pytest.mark.parametrize("held", ["credential", "project", "customer", "tiers"])
async def test_a_key_revoked_while_it_is_read_is_not_kept(shop: Shop, held: str) -> None:
    await shop.follow()
    shop.store.hold(held)
    before = await shop.asking()
    await shop.administration.revoke_key(shop.key.credential.id)
    await shop.caught_up()
    after = asyncio.create_task(shop.lookup.key(shop.key.secret))
    shop.store.let_go(held)
    found = await before, await after
    assert [f and f.credential and f.credential.status for f in found] == [
        KeyStatus.ACTIVE,
        KeyStatus.REVOKED,
    ]


async def test_a_project_suspended_while_a_key_is_read_is_suspended(shop: Shop) -> None:
    """The key's load has the project from memory by then."""
    await shop.follow()
    assert await shop.lookup.project(shop.ada.project_id) is not None
    shop.store.hold("tiers")
    before = await shop.asking()
    await shop.suspend()
    await shop.caught_up()
    shop.store.let_go("tiers")
    await before
    after = await shop.lookup.key(shop.key.secret)
    assert after is not None
    assert after.project.suspended


async def test_a_suspended_project_is_so_for_each_of_its_keys(followed: Shop) -> None:
    await followed.suspend()
    await followed.caught_up()
    assert not followed.in_memory()
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert found.project.suspended


async def test_a_tier_that_changes_changes_its_customers_subjects(followed: Shop) -> None:
    await followed.administration.set_tier(followed.ada.project_id, parse_tier("free=7/day"))
    await followed.caught_up()
    assert not followed.in_memory()
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert found.tier == parse_tier("free=7/day")


async def test_a_customer_who_changes_tier_is_on_it(followed: Shop) -> None:
    await followed.change_plan("pro")
    await followed.caught_up()
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert found.tier == TIERS[1]
    customer = await followed.lookup.customer(followed.ada.project_id, "ada")
    assert customer is not None
    assert customer.plan == "pro"


async def test_a_deleted_customers_key_stands_for_nobody(followed: Shop) -> None:
    async with followed.records.write(SOMEBODY) as writer:
        await customers.delete(writer, followed.ada)
    await followed.caught_up()
    assert await followed.lookup.key(followed.key.secret) is None
    assert await followed.lookup.customer(followed.ada.project_id, "ada") is None


async def test_a_change_of_anything_drops_everything(followed: Shop) -> None:
    await followed.write_change(Subject.ALL, "")
    await followed.caught_up()
    assert not followed.in_memory()


async def test_a_change_of_something_else_drops_nothing(followed: Shop) -> None:
    await followed.administration.create_customer(followed.ada.project_id, "bob", None)
    await followed.administration.create_key(followed.ada.project_id, "bob")
    await followed.caught_up()
    assert followed.in_memory()


async def test_what_was_read_before_the_feed_was_up_is_read_again(shop: Shop) -> None:
    assert await shop.plan() == "free"
    await shop.change_plan("pro")  # Nobody follows yet, and a feed begins at the present.
    assert await shop.plan() == "free"
    await shop.follow()
    assert not shop.in_memory()
    assert await shop.plan() == "pro"


async def test_what_was_being_read_when_the_feed_came_up_is_read_again(shop: Shop) -> None:
    shop.store.hold("customer")
    before = await shop.asking()
    await shop.change_plan("pro")
    await shop.follow()
    shop.store.let_go("customer")
    await before
    assert await shop.plan() == "pro"


async def test_a_running_gateway_refuses_what_another_process_forbids(tmp_path: Path) -> None:
    gateway = Gateway(Settings(store=f"sqlite:///{tmp_path}/dream.db"), FakeClock())

    async def healthy() -> bool:
        return (await gateway.health())["feed"] is None

    async with opened(tmp_path / "dream.db") as shop:

        async def code() -> str:
            return (await gateway.admission.key(shop.key.secret, 0)).code

        async def suspended() -> bool:
            return await code() == PlatformSuspendedError.code

        async def invalid() -> bool:
            return await code() == InvalidCredentialError.code

        await gateway.start()
        try:
            await eventually(healthy, "healthy")
            assert await code() == "allowed"
            await shop.suspend()
            await eventually(suspended, "suspended")
            await shop.administration.revoke_key(shop.key.credential.id)
            await eventually(invalid, "invalid")
        finally:
            await gateway.close()

"""While the feed or the store is away, what is known is served, and no more."""

from __future__ import annotations

import pytest
from tests.lookup.shop import OPTIONS, USELESS_AFTER, Shop
from tests.waiting import eventually

from dream_gateway import invalidation
from dream_gateway.errors import (
    StoreUnavailableError,
)


@pytest.mark.parametrize("fault", [StoreUnavailableError(), RuntimeError("a broken feed")])
async def test_while_the_feed_is_lost_what_is_known_is_read_again_before_use(
    followed: Shop, fault: Exception
) -> None:
    assert await followed.plan() == "free"
    followed.feed.fault = fault
    await eventually(lambda: not followed.invalidator.feeds_alive, "without its feed")
    assert not followed.in_memory()
    await followed.change_plan("pro")
    assert await followed.plan() == "pro"
    followed.feed.fault = None
    await eventually(lambda: bool(followed.invalidator.feeds_alive), "following the feed")
    assert not followed.in_memory()  # A change between the last look and the feed's return.
    assert await followed.plan() == "pro"
    await followed.change_plan("free")
    await followed.caught_up()
    assert await followed.plan() == "free"


async def test_a_feed_that_falls_silent_is_lost_and_followed_anew(
    followed: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invalidation, "FEED_SILENCE_SECONDS", 0.5)
    await followed.caught_up()  # Else it still waits by the longer time.
    followed.feed.silent = True
    await followed.change_plan("pro")
    await eventually(lambda: not followed.invalidator.feeds_alive, "without its feed")
    assert await followed.plan() == "pro"
    followed.feed.silent = False
    await eventually(lambda: bool(followed.invalidator.feeds_alive), "following the feed")
    assert not followed.in_memory()


async def test_while_the_feed_and_the_store_are_away_what_is_known_is_served(
    followed: Shop,
) -> None:
    followed.feed.fault = StoreUnavailableError()
    followed.store.away = {"all"}
    await eventually(lambda: not followed.invalidator.feeds_alive, "without its feed")
    assert not followed.in_memory()
    assert await followed.plan() == "free"


async def test_while_the_store_is_away_a_key_is_served_until_it_is_too_old(followed: Shop) -> None:
    followed.store.away = {"all"}
    followed.clock.advance(USELESS_AFTER - 1)
    assert followed.in_memory()
    assert await followed.plan() == "free"
    followed.clock.advance(1)
    assert not followed.in_memory()
    with pytest.raises(StoreUnavailableError):
        await followed.plan()
    followed.store.away = set()
    assert await followed.plan() == "free"


@pytest.mark.parametrize("away", ["all", "credential", "project", "customer", "tiers"])
async def test_while_any_of_it_is_away_a_key_never_seen_is_not_called_unknown(
    shop: Shop, away: str
) -> None:
    shop.store.away = {away}
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            await shop.lookup.key(shop.key.secret)
    shop.store.away = set()
    assert await shop.plan() == "free"


async def test_while_the_store_is_away_a_revoked_key_is_not_served(followed: Shop) -> None:
    await followed.administration.revoke_key(followed.key.credential.id)
    await followed.caught_up()
    followed.store.away = {"all"}
    with pytest.raises(StoreUnavailableError):
        await followed.lookup.key(followed.key.secret)


async def test_a_key_read_with_a_doubted_project_is_doubted_too(followed: Shop) -> None:
    """The feed was lost, and of all that is read again only the project could not be."""
    followed.store.away = {"project"}
    followed.feed.fault = StoreUnavailableError()
    await eventually(lambda: not followed.invalidator.feeds_alive, "without its feed")
    await followed.suspend()
    followed.feed.fault = None
    await eventually(lambda: bool(followed.invalidator.feeds_alive), "following the feed")
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert not found.project.suspended  # What was known before.
    followed.store.away = set()
    assert not followed.in_memory()
    found = await followed.lookup.key(followed.key.secret)
    assert found is not None
    assert found.project.suspended


async def test_a_key_is_no_younger_than_the_project_it_was_read_with(followed: Shop) -> None:
    followed.store.away = {"project"}
    followed.clock.advance(OPTIONS.ttl + 1)
    assert await followed.plan() == "free"  # Read again behind this, but for the project.
    await eventually(lambda: not followed.lookup.cache._loading, "read")
    assert "project" in followed.store.asked
    followed.clock.advance(OPTIONS.max_stale - 1)
    with pytest.raises(StoreUnavailableError):
        await followed.plan()

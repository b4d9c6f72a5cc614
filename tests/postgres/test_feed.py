from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import asyncpg
import pytest
from tests.servers.postgres import execute
from tests.waiting import PATIENCE_SECONDS

from dream_gateway.errors import StoreUnavailableError
from dream_gateway.records.migrate import migrate
from dream_gateway.storage import Change, Subject
from dream_gateway_postgres import feed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from dream_gateway.storage import Backend
    from dream_gateway.testing import FakeClock

INSERT = "INSERT INTO changes (subject, ref, at) VALUES ('{}', '{}', {})"


def followed(backend: Backend) -> aclosing[AsyncGenerator[Sequence[Change], None]]:
    """Return a follower that is closed at the end."""
    return aclosing(cast("AsyncGenerator[Sequence[Change], None]", backend.feed().follow()))


async def read_some(follower: AsyncGenerator[Sequence[Change], None]) -> list[Change]:
    seen: Sequence[Change] = ()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not seen:
            seen = await anext(follower)
    return list(seen)


@pytest.fixture
async def migrated(backend: Backend) -> Backend:
    await migrate(backend.records_engine())
    return backend


async def test_a_table_that_comes_later_is_followed(url: str, backend: Backend) -> None:
    async with followed(backend) as follower:
        assert list(await anext(follower)) == []
        await migrate(backend.records_engine())
        await execute(url, INSERT.format("tier", "prj", 1))
        assert await read_some(follower) == [Change(Subject.TIER, "prj")]


async def test_a_change_wakes_and_is_not_waited_for(
    url: str, migrated: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SIGN_OF_LIFE_SECONDS", 60.0)
    async with followed(migrated) as follower:
        await anext(follower)
        await execute(url, INSERT.format("tier", "prj", 1))
        assert await read_some(follower) == [Change(Subject.TIER, "prj")]


async def test_transactions_that_would_commit_in_the_other_order_lose_nothing(
    url: str, migrated: Backend
) -> None:
    first, second = await asyncpg.connect(url), await asyncpg.connect(url)
    async with followed(migrated) as follower:
        await anext(follower)
        transaction = first.transaction()
        await transaction.start()
        await first.execute(INSERT.format("tier", "first", 1))
        beside = asyncio.create_task(second.execute(INSERT.format("tier", "second", 1)))
        # Two signs of life: a second that was committed by now would have been seen.
        seen = [*await anext(follower), *await anext(follower)]
        assert not beside.done()
        await transaction.commit()
        await beside
        while len(seen) < 2:
            seen += await read_some(follower)
        assert [change.ref for change in seen] == ["first", "second"]
    await first.close()
    await second.close()


async def test_a_change_that_was_undone_is_none(url: str, migrated: Backend) -> None:
    async with followed(migrated) as follower:
        await anext(follower)
        await execute(url, INSERT.format("tier", "a", 1))
        with pytest.raises(asyncpg.DivisionByZeroError):
            await execute(url, f"BEGIN; {INSERT.format('tier', 'undone', 1)}; SELECT 1 / 0")
        await execute(url, INSERT.format("tier", "b", 1))
        seen = await read_some(follower)
        while len(seen) < 2:
            seen += await read_some(follower)
        assert [change.ref for change in seen] == ["a", "b"]


async def test_a_subject_of_a_newer_version_means_everything(url: str, migrated: Backend) -> None:
    async with followed(migrated) as follower:
        await anext(follower)
        await execute(url, INSERT.format("planet", "x", 1))
        assert await read_some(follower) == [Change(Subject.ALL, "x")]


async def test_changes_that_were_pruned_unread_mean_everything(url: str, migrated: Backend) -> None:
    await execute(url, INSERT.format("tier", "a", 1))
    async with followed(migrated) as follower:
        await anext(follower)
        rows = "; ".join(INSERT.format("tier", name, 1) for name in "bcd")
        forget = "DELETE FROM changes WHERE ref < 'd'"
        await execute(url, "; ".join(["BEGIN", rows, forget, "COMMIT"]))
        assert await read_some(follower) == [Change(Subject.ALL, "")]


async def test_more_than_one_batch_is_read_at_once(
    url: str, migrated: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "BATCH_LIMIT", 3)
    monkeypatch.setattr(feed, "SIGN_OF_LIFE_SECONDS", 60.0)
    async with followed(migrated) as follower:
        await anext(follower)
        rows = "; ".join(INSERT.format("tier", str(number), 1) for number in range(7))
        await execute(url, f"BEGIN; {rows}; COMMIT")
        seen: list[Change] = []
        while len(seen) < 7:
            seen += await read_some(follower)
        assert [change.ref for change in seen] == [str(number) for number in range(7)]


async def test_old_changes_are_forgotten_but_for_the_newest(
    url: str, migrated: Backend, clock: FakeClock
) -> None:
    old, new = clock.now() - 3601, clock.now() + 500
    rows = [INSERT.format("tier", "old", old), INSERT.format("tier", "new", new)]
    await execute(url, *rows, INSERT.format("tier", "odd", old))
    async with followed(migrated) as follower:
        await anext(follower)
        clock.advance(601)
        await anext(follower)
    connection = await asyncpg.connect(url)
    kept = await connection.fetch("SELECT ref FROM changes ORDER BY seq")
    await connection.close()
    assert [row["ref"] for row in kept] == ["new", "odd"]


async def test_a_closed_store_ends_its_followers(migrated: Backend) -> None:
    async with followed(migrated) as follower:
        await anext(follower)
        await migrated.close()
        with pytest.raises(StoreUnavailableError):
            await anext(follower)

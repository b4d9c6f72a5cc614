from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from dream_gateway.errors import ConfigurationError, StoreUnavailableError
from dream_gateway.memory import open_backend
from dream_gateway.storage import Change, Role, Subject
from dream_gateway.testing import FakeClock


@pytest.mark.parametrize("url", ["memory:", "memory:///x", "memory://host", "memory://?a=b", ""])
def test_a_wrong_url_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_backend(url, FakeClock())


async def test_it_offers_every_role_to_one_process() -> None:
    backend = open_backend("memory://", FakeClock())
    await backend.start()
    assert backend.roles == frozenset(Role)
    assert not backend.shareable
    assert backend.journal_dir() is None
    await backend.close()
    await backend.close()


async def test_transactions_on_the_records_queue_and_survive_a_cancelled_task() -> None:
    backend = open_backend("memory://", FakeClock())
    engine = backend.records_engine()
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE t (n INTEGER)"))
        await connection.execute(text("INSERT INTO t VALUES (0)"))
    held = asyncio.Event()

    async def hold() -> None:
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE t SET n = 100"))
            held.set()
            await asyncio.Event().wait()

    async def add() -> None:
        async with engine.begin() as connection:
            value = (await connection.execute(text("SELECT n FROM t"))).scalar_one()
            await connection.execute(text("UPDATE t SET n = :n"), {"n": value + 1})

    task = asyncio.create_task(hold())
    await held.wait()
    adders = [asyncio.create_task(add()) for _ in range(10)]
    task.cancel()
    await asyncio.gather(*adders)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT n FROM t"))).scalar_one() == 10
    await backend.close()


async def test_closing_ends_the_followers() -> None:
    backend = open_backend("memory://", FakeClock())
    follower = aiter(backend.feed().follow())
    await anext(follower)
    await backend.close()
    with pytest.raises(StoreUnavailableError):
        await anext(follower)


async def test_a_follower_that_does_not_keep_up_is_told_to_forget_everything() -> None:
    feed = open_backend("memory://", FakeClock()).feed()
    follower = aiter(feed.follow())
    await anext(follower)
    await feed.publish([Change(Subject.CUSTOMER, str(number)) for number in range(10_001)])
    assert list(await anext(follower)) == [Change(Subject.ALL, "")]

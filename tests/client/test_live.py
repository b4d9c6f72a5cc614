"""The client that blocks does as the one that awaits; and both do while others do."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dream_gateway.client import (
    ConnectionFailedError,
    DreamAPI,
    NotFoundError,
    QuotaExceededError,
    Retries,
)

if TYPE_CHECKING:
    from tests.client.conftest import Project

    from dream_gateway.client import AsyncDreamAPI


def test_blocking(project: Project) -> None:
    with project.blocking(base_url=project.url + "/") as api:
        ada = api.customers.create(email="ada@example.com", external_id="ada")["customer"]
        key = api.keys.create(ada["id"])["key"]
        assert api.verify(key=key or "", cost=4)["allowed"]
        assert api.usage.track(user_id="ada", cost=6)["usage"]["remaining"] == 0
        with pytest.raises(QuotaExceededError):
            api.usage.track(user_id="ada")
        for number in range(3):
            api.customers.create(email=f"b{number}@example.com", external_id=f"b{number}")
        names = [each["externalId"] for each in api.customers.iterate(limit=2)]
        assert names == ["ada", "b0", "b1", "b2"]
        api.customers.delete(ada["id"])
        with pytest.raises(NotFoundError):
            api.customers.get(ada["id"])


def test_several_threads_share_a_client(project: Project) -> None:
    with project.blocking() as api, ThreadPoolExecutor(4) as threads:
        made = [threads.submit(api.usage.track, user_id="many") for _ in range(10)]
        counts = sorted(each.result()["usage"]["usageCount"] for each in made)
    assert counts == list(range(1, 11))


async def test_several_tasks_share_a_client(api: AsyncDreamAPI) -> None:
    counts = await asyncio.gather(*(api.usage.track(user_id="many") for _ in range(10)))
    assert sorted(each["usage"]["usageCount"] for each in counts) == list(range(1, 11))
    with pytest.raises(QuotaExceededError):
        await api.usage.track(user_id="many")


def test_nobody_there() -> None:
    slept: list[float] = []
    with (
        DreamAPI(
            base_url="http://127.0.0.1:1",
            secret_key="sk_test_x",
            retries=Retries(count=2),
            sleep=slept.append,
            chance=lambda: 0.5,
        ) as api,
        pytest.raises(ConnectionFailedError) as failed,
    ):
        api.usage.track(user_id="u-1")
    assert slept == [0.125, 0.25]
    assert failed.value.__cause__ is not None

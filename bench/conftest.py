"""A warm gateway on SQLite, for the benchmarks of its parts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dream_gateway.administration import Administration
from dream_gateway.gateway import Gateway
from dream_gateway.model import KeyKind, Mode
from dream_gateway.settings import Settings
from dream_gateway.tierspec import parse_tier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Warm:
    """A gateway with one customer key that was used often enough to have long leases."""

    loop: asyncio.AbstractEventLoop
    gateway: Gateway
    key: str
    secret_key: str


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[Warm]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    settings = Settings(store=f"sqlite:///{tmp_path}/dream.db", lease_max=10_000_000)
    gateway = Gateway(settings)
    key, secret_key = loop.run_until_complete(_start(gateway))
    yield Warm(loop, gateway, key, secret_key)
    loop.run_until_complete(gateway.close())
    asyncio.set_event_loop(None)
    loop.close()


async def _start(gateway: Gateway) -> tuple[str, str]:
    await gateway.start()
    administration = Administration(gateway.records)
    made = await administration.create_platform(
        "shop", Mode.TEST, [parse_tier("pro=unlimited@1000000000/s")], []
    )
    await administration.create_customer(made.project.id, "ada", None)
    key = (await administration.create_key(made.project.id, "ada")).secret
    # Leases double each time they run out within a second: a million units each is enough to measure.
    for _ in range(40):
        await gateway.admission.key(key, 200_000)
    await gateway.admission.track(made.project, "ada", 1, None)
    await gateway.admission.project_of(made.secret_key, frozenset({KeyKind.SECRET}))
    return key, made.secret_key

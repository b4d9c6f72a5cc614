"""The shared cache on its own: expiry, sizes, and what a request meets while it is away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import pytest
from tests.servers.stores import opened
from tests.servers.valkey import DURABLE, Server
from tests.waiting import until

from dream_gateway.errors import StoreUnavailableError
from dream_gateway.model import Mode, Project
from dream_gateway.shared import AWAY_SECONDS, FORMAT, MEMORY_SECONDS, SharedSource
from dream_gateway.storage import Claim, Quota
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dream_gateway.source import Source


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    server = Server(*DURABLE)
    yield server
    server.remove()


async def test_the_server_lets_entries_expire_by_itself(own: Server) -> None:
    async with opened(own.url) as backend:
        kv = backend.kv()
        await kv.put("short", b"v", 0.02)
        await kv.put("long", b"v", 60.0)
        with own.client() as client:
            assert 0 < client.pttl("dg:kv:long") <= 60_000
            until(lambda: not client.exists("dg:kv:short"), "forgotten")
        assert (await kv.get("short"), await kv.get("long")) == (None, b"v")
        await kv.put("long", b"", 0.0)
        assert await kv.get("long") is None


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
async def test_values_of_any_size_come_back_whole(own: Server, size: int) -> None:
    async with opened(own.url) as backend:
        value = b"\x00\xff" * (size // 2) + b"\r" * (size % 2)
        await backend.kv().put("sized", value, 60.0)
        assert await backend.kv().get("sized") == value


CALL_SECONDS = 2.0
"""What a call may take, by default."""


class Records:
    """One project."""

    def __init__(self) -> None:
        self.reads = 0

    async def project(self, project_id: str) -> Project | None:
        self.reads += 1
        return Project(project_id, "plt_1", "name", Mode.LIVE, "free")


@pytest.mark.parametrize("fault", ["hangs", "gone"])
async def test_one_that_is_away_is_a_miss_and_costs_little(own: Server, fault: str) -> None:
    async with opened(own.url) as backend:
        await backend.kv().delete([f"dream-gateway:{FORMAT}:project:prj_1"])
        clock, records = FakeClock(), Records()
        source = SharedSource(cast("Source", records), backend.kv(), clock)
        source.following()
        clock.advance(MEMORY_SECONDS + 1)
        await source.project("prj_1")
        await source.project("prj_1")
        assert records.reads == 1
        ledger = backend.ledger()
        await ledger.take([Claim("l", "q", Quota(None), 1, 1)])
        (own.pause if fault == "hangs" else own.kill)()
        began = time.monotonic()
        try:
            for number in range(20):
                found = await source.project(f"prj_{number}")
                assert found is not None
            took = time.monotonic() - began
            with pytest.raises(StoreUnavailableError):
                await backend.kv().get("k")
        finally:
            (own.resume if fault == "hangs" else own.start)()
        # One call may have been given up, of the twenty that would each take as long.
        assert took < 10 * CALL_SECONDS
        clock.advance(AWAY_SECONDS)
        await source.project("prj_1")
        before = records.reads
        await source.project("prj_1")
        assert records.reads == before

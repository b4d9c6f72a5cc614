"""What is this backend's own: its URL, and what it says when the file fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.clock import SystemClock
from dream_gateway.errors import (
    ConfigurationError,
    OperatorError,
    SchemaTooNewError,
    StoreUnavailableError,
)
from dream_gateway.storage import Claim, Quota, Return, shard_of
from dream_gateway.testing import AsyncTests, FakeClock
from dream_gateway_lmdb import keys, open_backend
from dream_gateway_lmdb.address import parse_address

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3_600


@pytest.mark.parametrize(
    "url",
    [
        "lmdb://", "lmdb:///", "lmdb://host/file.mdb", "lmdb:///a?b=c", "lmdb:///a?map_mib=0",
        "lmdb:///a?map_mib=much", "lmdb:///a#b", "lmdb:///a?b", "lmdb:///a%00b",
    ],
)  # fmt: skip
def test_a_url_that_is_wrong_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_backend(url, SystemClock())


def test_a_url_names_a_file_and_how_far_it_may_grow(tmp_path: Path) -> None:
    address = parse_address(f"lmdb:///{tmp_path}/a%20b.mdb?map_mib=3")
    assert (address.path, address.map_size) == (tmp_path.resolve() / "a b.mdb", 3 << 20)


class TestFaults(AsyncTests):
    async def test_a_full_file_raises_and_changes_nothing(self, tmp_path: Path) -> None:
        backend = open_backend(f"lmdb:///{tmp_path}/small.mdb?map_mib=1", SystemClock())
        await backend.start()
        ledger = backend.ledger()
        claims = [Claim(f"lease-{n}", f"p/{n}", Quota(5), 1, 1) for n in range(20_000)]
        with pytest.raises(StoreUnavailableError, match="map_mib"):
            await ledger.take(claims)
        assert sum(tally.out for tally in await ledger.usage([c.counter for c in claims])) == 0
        assert (await ledger.take(claims[:1]))[0].granted == 1
        await ledger.give_back([Return("lease-0", 1, shard_of("p/0"))])
        await backend.close()
        with pytest.raises(StoreUnavailableError):
            await ledger.usage([])

    async def test_a_file_that_is_something_else_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "text.mdb").write_text("no database " * 10_000)
        backend = open_backend(f"lmdb:///{tmp_path}/text.mdb", SystemClock())
        with pytest.raises(OperatorError):
            await backend.start()
        await backend.close()

    async def test_a_file_that_cannot_be_made_is_an_error(self, tmp_path: Path) -> None:
        backend = open_backend(f"lmdb:///{tmp_path}/nowhere/file.mdb", SystemClock())
        with pytest.raises(StoreUnavailableError):
            await backend.start()

    async def test_a_newer_layout_is_refused(self, tmp_path: Path) -> None:
        backend = open_backend(f"lmdb:///{tmp_path}/new.mdb", SystemClock())
        await backend.start()
        await backend._writer.run(  # type: ignore[attr-defined]  # our own
            lambda session: session.write(keys.IDENTITY, {"name": "n", "layout": 99})
        )
        await backend.close()
        with pytest.raises(SchemaTooNewError):
            await open_backend(f"lmdb:///{tmp_path}/new.mdb", SystemClock()).start()


class TestHistory(AsyncTests):
    async def test_leases_closed_before_a_reboot_go_after_an_hour(self, tmp_path: Path) -> None:
        clock = FakeClock(monotonic=1_000_000.0)
        backend = open_backend(f"lmdb:///{tmp_path}/file.mdb", clock)
        await backend.start()
        ledger = backend.ledger()
        await ledger.give_back([Return("lease", 0, shard_of("p/0"))])
        clock.set_monotonic(1.0)
        assert await ledger.prune(0, 10) == 0
        clock.advance(HOUR - 1)
        assert await ledger.prune(0, 10) == 0
        clock.advance(2)
        assert await ledger.prune(0, 10) == 1
        await backend.close()

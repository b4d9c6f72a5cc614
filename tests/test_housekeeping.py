"""What dead workers left is given back where the ledger can be reached; history goes when it is old."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.errors import StoreUnavailableError
from dream_gateway.housekeeping import DAY, Housekeeping, settle_dead_journals
from dream_gateway.journal import Journal, boot_id
from dream_gateway.memory.ledger import MemoryLedger
from dream_gateway.settings import Settings
from dream_gateway.storage import Claim, Quota, Return, Tally, shard_of
from dream_gateway.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COUNTERS = ("away/q", "here/q", "there/q")


class PartlyAway(MemoryLedger):
    """A ledger that cannot reach some shards."""

    away: frozenset[int] = frozenset()

    async def give_back(self, returns: Sequence[Return]) -> None:
        if any(item.shard in self.away for item in returns):
            raise StoreUnavailableError
        await super().give_back(returns)


async def test_a_journal_that_cannot_be_settled_yet_holds_up_no_other(tmp_path: Path) -> None:
    ledger = PartlyAway(FakeClock())
    for counter in COUNTERS:
        journal = Journal(tmp_path, "ledger", boot_id())
        lease, _ = journal.open(shard_of(counter))
        await ledger.take([Claim(lease, counter, Quota(9), 5, 5)])
        journal.close()
    ledger.away = frozenset({shard_of("away/q")})
    with pytest.raises(StoreUnavailableError):
        await settle_dead_journals(ledger, "ledger", tmp_path)
    assert await ledger.usage(COUNTERS) == [Tally(0, 5), Tally(), Tally()]
    ledger.away = frozenset()
    assert await settle_dead_journals(ledger, "ledger", tmp_path) == 1
    assert await ledger.usage(COUNTERS) == [Tally()] * 3


@pytest.mark.parametrize(("kept", "after", "used"), [(2, 1, 5), (2, 3, 0), (0, 4_000, 5)])
async def test_usage_is_kept_for_days_after_its_period_or_for_ever(
    tmp_path: Path, kept: int, after: int, used: int
) -> None:
    clock = FakeClock()
    ledger, settings = MemoryLedger(clock), Settings(retention_days=kept)
    end = int(clock.now())
    await ledger.take([Claim("one", "p/q", Quota(9, end), 5, 5)])
    await ledger.give_back([Return("one", 5, shard_of("p/q"))])
    clock.advance(after * DAY)
    await Housekeeping(ledger, "ledger", tmp_path, settings, clock).prune()
    assert await ledger.usage(["p/q"]) == [Tally(used)]

"""What the workers of a node do for those that are no more: settle their leases, prune history.

Safe to run in every worker at any time: a journal is locked while it is settled, and a lease counts
once.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from dream_gateway import metrics
from dream_gateway.errors import GatewayError
from dream_gateway.journal import boot_id, dead_journals

if TYPE_CHECKING:
    from pathlib import Path

    from dream_gateway.clock import Clock
    from dream_gateway.metrics import Readings
    from dream_gateway.settings import Settings
    from dream_gateway.storage import Ledger

logger = logging.getLogger(__name__)

RETURNS_AT_ONCE = 1_000
PRUNE_AT_ONCE = 500
PRUNE_EVERY_SECONDS = 60.0
DAY = 86_400.0


class Housekeeping:
    """Keeps one ledger, of this `identity`, and the journals in `folder` free of what is over."""

    def __init__(
        self, ledger: Ledger, identity: str, folder: Path, settings: Settings, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._identity = identity
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._settled = 0
        self._stranded = False

    async def run(self) -> None:
        """Settle journals of workers that died meanwhile, and prune history, for ever."""
        waited = 0.0
        while True:
            await asyncio.sleep(self._settings.lease_idle)
            waited += self._settings.lease_idle
            with suppress(GatewayError):
                await self.settle()
                if waited >= PRUNE_EVERY_SECONDS:
                    waited = 0.0
                    await self.prune()

    async def settle(self) -> None:
        """Settle the journals of dead workers. Raises what `settle_dead_journals` does."""
        try:
            self._settled += await settle_dead_journals(self._ledger, self._identity, self._folder)
            self._stranded = False
        except GatewayError:
            self._stranded = True
            raise

    async def prune(self) -> None:
        """Delete some of what is older than is kept: see `Ledger.prune`. Zero days keep all usage."""
        days = self._settings.retention_days
        before = self._clock.now() - days * DAY if days else 0.0
        await self._ledger.prune(before, PRUNE_AT_ONCE)

    def measure(self) -> Readings:
        """Return how many journals were settled, and whether the last look left some."""
        return {
            metrics.STRANDED.name: {(): int(self._stranded)},
            metrics.SETTLED.name: {(): self._settled},
        }


async def settle_dead_journals(ledger: Ledger, identity: str, folder: Path) -> int:
    """Give back what workers that are proved dead had not spent; return how many there were.

    Raises what the ledger does, after all other journals were tried.
    """
    settled, failure = 0, None
    for journal in dead_journals(folder, identity, boot_id()):
        try:
            for at in range(0, len(journal.returns), RETURNS_AT_ONCE):
                await ledger.give_back(journal.returns[at : at + RETURNS_AT_ONCE])
        except GatewayError as exc:
            journal.release()
            failure = exc  # Of another journal all leases may be where the ledger can be reached.
            continue
        journal.remove()
        settled += 1
        logger.info("Settled the journal of a worker that died: %d leases", len(journal.returns))
    if failure is not None:
        raise failure
    return settled

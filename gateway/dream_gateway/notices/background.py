"""What each worker does for webhooks beside its requests.

What sends them brings an HTTP client and cryptography, and is not there before there is a message.
"""

from __future__ import annotations

import asyncio
import logging
from secrets import SystemRandom
from typing import TYPE_CHECKING

from dream_gateway.errors import GatewayError
from dream_gateway.notices import addresses
from dream_gateway.notices.usage import ROUND_SECONDS, UsageWatch
from dream_gateway.records import dispatches, thresholds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from dream_gateway.clock import Clock
    from dream_gateway.counter import Counter
    from dream_gateway.notices.dispatcher import Dispatcher
    from dream_gateway.records.database import Records
    from dream_gateway.settings import Settings
    from dream_gateway.storage import Ledger

logger = logging.getLogger(__name__)

ACTOR = "webhooks"
TURN_SECONDS = 1.0
CLAIMS_PER_TURN = 20
PRUNE_SECONDS = 600.0
PRUNE_AT_ONCE = 500
DAY = 86_400.0
KEPT_SECONDS = 30 * DAY
"""For how long messages can be listed and replayed."""

REMEMBERED_SECONDS = 7 * DAY
"""For how long after a period it is known what was told of it."""


class Notices:
    """Tells what there is to tell, and sends it. One per worker, used from its event loop."""

    def __init__(self, settings: Settings, records: Records, ledger: Ledger, clock: Clock) -> None:
        self._settings = settings
        self._records = records
        self._clock = clock
        self._usage = UsageWatch(records, ledger, clock)
        self._dispatcher: Dispatcher | None = None
        # Workers that began together do not all look at the same time.
        wait = SystemRandom().random()
        self._round_at = clock.monotonic() + ROUND_SECONDS * wait
        self._prune_at = clock.monotonic() + PRUNE_SECONDS * wait

    def look(self, held: Iterable[Counter]) -> None:
        """Note counters near their limit, before their leases go back. Never blocks."""
        self._usage.look(held)

    async def run(self) -> None:
        """Go on for ever; a store that is away is asked again.

        Sending does not wait for the ledger, nor for the round over all customers.
        """
        await asyncio.gather(_repeat(self.watch), _repeat(self.send))

    async def watch(self) -> None:
        """Tell once of the usage there is to tell of."""
        await self._usage.turn()
        now = self._clock.monotonic()
        if now >= self._round_at:
            self._round_at = now + ROUND_SECONDS
            await self._usage.round()

    async def send(self) -> None:
        """Begin to send what is due, and forget what is long done."""
        await self._send()
        now = self._clock.monotonic()
        if now >= self._prune_at:
            self._prune_at = now + PRUNE_SECONDS
            await self._prune()

    async def settled(self) -> None:
        """Return once nothing is being sent."""
        if self._dispatcher is not None:
            await self._dispatcher.settled()

    async def aclose(self) -> None:
        """Let what is being sent finish, within a few seconds. Safe to call twice."""
        dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher is not None:
            await dispatcher.aclose()

    async def _send(self) -> None:
        if self._dispatcher is None:
            async with self._records.read() as connection:
                if not await dispatches.any_due(connection, self._clock.now()):
                    return
            self._dispatcher = self._make_dispatcher()
        for _ in range(CLAIMS_PER_TURN):
            if not await self._dispatcher.turn():
                break

    def _make_dispatcher(self) -> Dispatcher:
        # Not before there is a message: most workers do without.
        from dream_gateway.notices.dispatcher import Dispatcher  # noqa: PLC0415
        from dream_gateway.notices.sending import Sender  # noqa: PLC0415
        from dream_gateway.vault import Vault  # noqa: PLC0415

        return Dispatcher(
            self._records,
            Vault(self._settings.encryption_keys),
            Sender(addresses.networks(self._settings.webhook_networks)),
            self._clock,
        )

    async def _prune(self) -> None:
        now = self._clock.now()
        async with self._records.read() as connection:
            old_messages = await dispatches.any_older(connection, now - KEPT_SECONDS)
            old_thresholds = await thresholds.any_older(connection, now - REMEMBERED_SECONDS)
        if old_messages:
            async with self._records.write(ACTOR) as writer:
                await dispatches.prune(writer, now - KEPT_SECONDS, PRUNE_AT_ONCE)
        if old_thresholds:
            async with self._records.write(ACTOR) as writer:
                await thresholds.prune(writer, now - REMEMBERED_SECONDS)


async def _repeat(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(TURN_SECONDS)
        try:
            await step()
        except GatewayError as exc:
            logger.warning("Webhooks have to wait: %s", exc.code)
        except Exception:
            logger.exception("A turn for webhooks broke.")

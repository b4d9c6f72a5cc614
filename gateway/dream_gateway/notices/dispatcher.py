"""Sends what is due: claims messages, posts them, and notes what became of each.

Any number of workers and nodes may run one: see `dream_gateway.records.dispatches`. A message may
arrive twice, with the same `webhook-id`, if its sender died before it could note that it had arrived.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from secrets import SystemRandom
from typing import TYPE_CHECKING

from dream_gateway.errors import EncryptionKeyMissingError, GatewayError, SealBrokenError
from dream_gateway.notices import schedule, signing
from dream_gateway.notices.sending import ATTEMPT_SECONDS, Outcome
from dream_gateway.records import dispatches, webhook_endpoints
from dream_gateway.records.messages import EndpointStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.clock import Clock
    from dream_gateway.notices.sending import Sender
    from dream_gateway.records.database import Records, Writer
    from dream_gateway.records.dispatches import Claimed
    from dream_gateway.records.webhook_endpoints import Endpoint
    from dream_gateway.vault import Vault

logger = logging.getLogger(__name__)

ACTOR = "webhooks"
AT_ONCE = 32
"""Attempts that one worker has under way."""

AT_ONCE_TO_ONE = 4
"""Attempts that one claim makes at one endpoint."""

CLAIM_SECONDS = 4 * ATTEMPT_SECONDS
"""After how long a claim is anybody's again: its worker died, or is as good as dead."""

CLOSE_SECONDS = 5.0
"""How long attempts under way may take to finish when the worker ends."""


class Dispatcher:
    """Delivers messages from one worker. Used from one event loop."""

    def __init__(
        self,
        records: Records,
        vault: Vault,
        sender: Sender,
        clock: Clock,
        random: Callable[[], float] | None = None,
    ) -> None:
        self._records = records
        self._vault = vault
        self._sender = sender
        self._clock = clock
        self._random = random or SystemRandom().random
        self._under_way: set[asyncio.Task[None]] = set()

    async def turn(self) -> int:
        """Begin to send what is due and there is room for; return how many messages that is.

        Raises `StoreUnavailableError`.
        """
        free = AT_ONCE - len(self._under_way)
        if free <= 0:
            return 0
        async with self._records.read() as connection:
            if not await dispatches.any_due(connection, self._clock.now()):
                return 0
        async with self._records.write(ACTOR) as writer:
            claimed = await dispatches.claim(writer, free, AT_ONCE_TO_ONE, CLAIM_SECONDS)
        for each in claimed:
            task = asyncio.get_running_loop().create_task(self._deliver(each))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(claimed)

    async def settled(self) -> None:
        """Return once nothing is under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    async def aclose(self) -> None:
        """Let what is under way finish for a while; what does not is tried again later."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=CLOSE_SECONDS)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._sender.aclose()

    async def _deliver(self, claimed: Claimed) -> None:
        try:
            outcome = await self._post(claimed)
            async with self._records.write(ACTOR) as writer:
                await self._note(writer, claimed, outcome)
        except GatewayError as exc:
            # It stays claimed, and is due again when that has run out.
            logger.warning("What became of a webhook message could not be noted: %s", exc.code)
        except Exception:
            logger.exception("A webhook message could not be sent.")

    async def _post(self, claimed: Claimed) -> Outcome:
        endpoint, now = claimed.endpoint, self._clock.now()
        try:
            keys = signing.opened(self._vault, endpoint, now)
        except (EncryptionKeyMissingError, SealBrokenError) as exc:
            logger.warning("The secret of the webhook endpoint %s: %s", endpoint.id, exc.detail)
            return Outcome(fault="The gateway cannot open the endpoint's secret.")
        fields = signing.fields(keys, claimed.message_id, now, claimed.payload)
        return await self._sender.post(endpoint.url, claimed.payload, fields)

    async def _note(self, writer: Writer, claimed: Claimed, outcome: Outcome) -> None:
        if outcome.fault is None:
            if await dispatches.delivered(writer, claimed, outcome.answer or 0):
                await webhook_endpoints.answered(writer, claimed.endpoint.id)
            return
        due_at = schedule.next_attempt(
            claimed.attempts, writer.now, self._random(), outcome.retry_after
        )
        if due_at is None:
            own = await dispatches.give_up(writer, claimed, outcome.answer, outcome.fault)
        else:
            own = await dispatches.put_off(writer, claimed, outcome.answer, outcome.fault, due_at)
        endpoint = await webhook_endpoints.failed(writer, claimed.endpoint.id) if own else None
        if endpoint is not None:
            await _judge(writer, endpoint, outcome)


async def _judge(writer: Writer, endpoint: Endpoint, outcome: Outcome) -> None:
    """Disable an endpoint that has failed for too long, else leave it in peace for a while."""
    too_long = schedule.is_given_up(endpoint.failing_since, writer.now)
    if not (outcome.is_gone or too_long):
        until = schedule.pause(endpoint.failures, writer.now)
        await webhook_endpoints.pause(writer, endpoint.id, until)
        return
    if endpoint.status is EndpointStatus.DISABLED:
        return
    why = "It answered 410: gone." if outcome.is_gone else "Every attempt of three days failed."
    logger.warning("The webhook endpoint %s is disabled. %s", endpoint.id, why)
    disabled = replace(endpoint, status=EndpointStatus.DISABLED, fault=why)
    await webhook_endpoints.change(writer, disabled, "webhook_endpoint.disable")

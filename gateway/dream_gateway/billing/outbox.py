"""Sends reports of overage to the provider, each until it has it, and so that it counts once.

A report is the same call however often it is made: the provider knows its identifier again, for a day
at least. Past that, one that may have arrived is looked up before it is sent again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from dream_gateway.billing import ACTOR
from dream_gateway.errors import BillingAccountError, ConflictError, GatewayError
from dream_gateway.payments import UsageReport
from dream_gateway.records import overage

if TYPE_CHECKING:
    from dream_gateway.clock import Clock
    from dream_gateway.payments import Billing
    from dream_gateway.records.database import Records
    from dream_gateway.records.overage import Report

logger = logging.getLogger(__name__)

AT_ONCE = 50
LEASE_SECONDS = 300.0
SEND_SECONDS = 30.0
KNOWN_AGAIN_SECONDS = 20 * 3_600.0
"""How long a provider surely knows an identifier again: Stripe does for 24 hours."""

SELDOM_SECONDS = 3_600.0
MINUTE = 60.0


class DoubtError(Exception):
    """Nobody can tell whether the provider has a report."""


class Outbox:
    """Many workers and nodes may run it at once: what is due is taken by one of them."""

    def __init__(self, provider: Billing, records: Records, clock: Clock) -> None:
        self._provider = provider
        self._records = records
        self._clock = clock

    async def step(self) -> bool:
        """Send some of what is due; return whether there may be more."""
        async with self._records.read() as connection:
            if not await overage.is_due(connection, self._clock.now()):
                return False
        async with self._records.write(ACTOR) as writer:
            taken = await overage.take_due(writer, AT_ONCE, LEASE_SECONDS)
        for each in taken:
            await self._deal_with(each)
        return len(taken) == AT_ONCE

    async def _deal_with(self, report: Report) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(report)
        except (BillingAccountError, ConflictError, DoubtError) as exc:
            logger.warning("The report %s cannot be sent: %s", report.identifier, exc)
            await self._settle(report, str(exc))
        except (GatewayError, TimeoutError) as exc:
            await self._put_off(report, str(exc) or "It took too long.")
        else:
            await self._settle(report)

    async def _send(self, report: Report) -> None:
        if await self._has(report):
            return
        sent = UsageReport(
            identifier=report.identifier,
            meter=report.meter,
            customer_id=report.payer_id,
            units=report.units,
            at=report.at,
        )
        await self._provider.report(report.account, sent)

    async def _has(self, report: Report) -> bool:
        """Return whether the provider has a report that was tried so long ago that it may forget it.

        All of the same minute that are not known to have arrived did, or none: raises `DoubtError`
        where it is neither.
        """
        tried = report.tried_at
        if tried is None or self._clock.now() - tried < KNOWN_AGAIN_SECONDS:
            return False
        start = report.at // MINUTE * MINUTE
        span = (start, start + MINUTE)
        async with self._records.read() as connection:
            sums = await overage.sums(
                connection, report.account, report.meter, report.payer_id, span
            )
        there = await self._provider.reported(report.account, report.meter, report.payer_id, *span)
        if there not in {sums.sent, sums.sent + sums.pending}:
            raise DoubtError(f"{there} units are there, of {sums.sent} and {sums.pending} sent.")
        return there > sums.sent

    async def _settle(self, report: Report, fault: str | None = None) -> None:
        async with self._records.write(ACTOR) as writer:
            await overage.settle(writer, report, fault)

    async def _put_off(self, report: Report, fault: str) -> None:
        seconds = min(2.0**report.attempts, SELDOM_SECONDS)
        async with self._records.write(ACTOR) as writer:
            await overage.put_off(writer, report, seconds, fault)

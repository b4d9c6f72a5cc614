"""Writes down what a worker counted, added up by the minute, hour, day and month.

Off the way of requests: numbers in memory are collected every second, and written every few, in one
transaction. What a worker had collected when it was killed is missing in charts; what was metered is in
the ledger, and loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any, Protocol

from dream_gateway import series
from dream_gateway.errors import GatewayError
from dream_gateway.records import chores, reports, rollups
from dream_gateway.records.rollups import Counted, CountedUse, Used, plus
from dream_gateway.series import Granularity, start_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.counts import Counts
    from dream_gateway.meter import Meter
    from dream_gateway.records.database import Records
    from dream_gateway.settings import Settings

logger = logging.getLogger(__name__)

ACTOR = "rollups"
COLLECT_SECONDS = 1.0
PRUNE = "rollups.prune"
PRUNE_SECONDS = 3_600.0
DAY = 86_400.0
MOST_KEPT = 200_000
"""Numbers that wait for a store that is away; past that, the oldest are dropped."""


class Upstreams(Protocol):
    """What requests are sent to."""

    def sample(self) -> None:
        """Have some of the next answers timed."""
        ...

    def report(self) -> Sequence[dict[str, object]]:
        """Return how each does."""
        ...


class Rollup:
    """Collects and writes. One per worker, used from its event loop."""

    def __init__(
        self, settings: Settings, records: Records, meter: Meter, counts: Counts, clock: Clock
    ) -> None:
        self._settings = settings
        self._records = records
        self._meter = meter
        self._counts = counts
        self._clock = clock
        self._counted: Counted = {}
        self._used: CountedUse = {}
        self._written_at = clock.monotonic()
        self._prune_at = clock.monotonic()
        self.worker = f"{os.uname().nodename}/{os.getpid()}/{os.urandom(4).hex()}"
        self.upstreams: Upstreams | None = None

    async def run(self) -> None:
        """Go on for ever; what a store that is away does not take is tried again."""
        while True:
            await asyncio.sleep(COLLECT_SECONDS)
            self.collect()
            if self._clock.monotonic() - self._written_at < self._settings.rollup_seconds:
                continue
            try:
                await self.write()
            except GatewayError as exc:
                logger.warning("Charts have to wait: %s", exc.code)
            except Exception:
                logger.exception("What was counted could not be written.")

    def collect(self) -> None:
        """Take over what was counted since the last time, as of now. Never blocks."""
        at = start_of(Granularity.MINUTE, self._clock.now())
        taken = self._counts.take()
        for (project, customer), units in self._meter.admitted().items():
            self._use(project, customer, at, Used(units, units, 0))
        for (project, customer), requests in taken.requests.items():
            self._use(project, customer, at, Used(requests, 0, 0))
        for (project, customer), units in taken.units.items():
            self._use(project, customer, at, Used(0, units, 0))
        for (project, customer), denied in taken.denied.items():
            self._use(project, customer, at, Used(0, 0, denied))
        for (project, metric), value in taken.metrics.items():
            self._count(project, metric, at, value)
        if self.upstreams is not None:
            self.upstreams.sample()

    async def write(self) -> None:
        """Write what was collected, and how this worker does. Raises `StoreUnavailableError`."""
        self._written_at = self._clock.monotonic()
        counted, self._counted = self._counted, {}
        used, self._used = self._used, {}
        try:
            async with self._records.write(ACTOR) as writer:
                await rollups.add(writer, counted, used)
                await reports.put(writer, self.worker, self._report())
        except BaseException:
            self._keep(counted, used)
            raise
        if self._clock.monotonic() >= self._prune_at:
            self._prune_at = self._clock.monotonic() + PRUNE_SECONDS
            await self._prune()

    async def aclose(self) -> None:
        """Write the rest, if the store takes it. Safe to call twice."""
        self.collect()
        try:
            async with self._records.write(ACTOR) as writer:
                await rollups.add(writer, self._counted, self._used)
                await reports.remove(writer, self.worker)
        except GatewayError as exc:
            logger.warning("What was counted last is missing in charts: %s", exc.code)
        self._counted, self._used = {}, {}

    async def _prune(self) -> None:
        kept = {
            Granularity.MINUTE: self._settings.rollup_minutes_days,
            Granularity.HOUR: self._settings.rollup_hours_days,
            Granularity.DAY: self._settings.rollup_days_days,
            Granularity.MONTH: self._settings.rollup_days_days,
        }
        async with self._records.write(ACTOR) as writer:
            if not await chores.begin(writer, PRUNE, PRUNE_SECONDS):
                return
            for granularity, days in kept.items():
                if days:
                    await rollups.prune(writer, granularity, writer.now - days * DAY)
            await reports.prune(writer, writer.now - DAY)

    def _report(self) -> dict[str, Any]:
        held = self._meter.held()
        return {
            "leases": len(held),
            "leasedUnits": sum(counter.available for counter in held),
            "upstreams": [] if self.upstreams is None else list(self.upstreams.report()),
        }

    def _use(self, project: str, customer: str, at: int, used: Used) -> None:
        key = (project, customer, at)
        self._used[key] = plus(self._used.get(key, Used()), used)
        if used.requests:
            self._count(project, series.REQUESTS, at, used.requests)
        if used.units:
            self._count(project, series.UNITS, at, used.units)

    def _count(self, project: str, metric: str, at: int, value: int) -> None:
        key = (project, metric, at)
        self._counted[key] = self._counted.get(key, 0) + value

    def _keep(self, counted: Counted, used: CountedUse) -> None:
        """Put back what could not be written, the oldest first, as far as there is room."""
        if len(counted) + len(used) > MOST_KEPT:
            logger.warning("What was counted while the store was away is too much to keep.")
            return
        for key, value in counted.items():
            self._counted[key] = self._counted.get(key, 0) + value
        for who, each in used.items():
            self._used[who] = plus(self._used.get(who, Used()), each)

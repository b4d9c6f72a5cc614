"""Writes down what a worker counted, added up by the minute, hour, day and month.

Off the way of requests: numbers in memory are collected every second, and written every few, each once;
those of customers, who may be many, less often, and so many at a time. What a worker had collected when
it was killed is missing in charts; what was metered is in the ledger, and loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any, Protocol

from dream_gateway import series
from dream_gateway.errors import GatewayError
from dream_gateway.records import chores, credentials, reports, rollups
from dream_gateway.records.rollups import Counted, Used, plus
from dream_gateway.series import Granularity, start_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.counts import Counted as Taken
    from dream_gateway.counts import Counts
    from dream_gateway.meter import Meter
    from dream_gateway.records.database import Records
    from dream_gateway.settings import Settings

logger = logging.getLogger(__name__)

ACTOR = "rollups"
COLLECT_SECONDS = 1.0
CUSTOMERS_SECONDS = 30.0
CUSTOMERS_AT_ONCE = 250
KEYS_AT_ONCE = 250
COUNTS_AT_ONCE = 100
"""How many are written in one transaction, some rows for each: the ledger may wait for the same lock."""

PRUNE = "rollups.prune"
PRUNE_SECONDS = 3_600.0
PRUNE_AT_ONCE = 500
DAY = 86_400.0
MOST_KEPT = 200_000
"""Numbers that wait for a store that is away, of customers, projects and keys; past that, some drop."""

Numbers = dict[tuple[str, str], int]


class Upstreams(Protocol):
    """What requests are sent to."""

    def sample(self) -> None:
        """Have some of the next answers timed."""
        ...

    def report(self) -> Sequence[dict[str, object]]:
        """Return how each does."""
        ...


class Listener(Protocol):
    """Who else wants to know what was counted."""

    def add(self, admitted: Numbers, taken: Taken, /) -> None:
        """Take note of it, once."""
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
        self._is_full = False
        self._waiting: dict[int, Waiting] = {}
        self._used: dict[str, float] = {}
        self._customers_at = clock.monotonic()
        self._written_at = clock.monotonic()
        self._prune_at = clock.monotonic()
        self.worker = f"{os.uname().nodename}/{os.getpid()}/{os.urandom(4).hex()}"
        self.upstreams: Upstreams | None = None
        self.listener: Listener | None = None

    async def run(self) -> None:
        """Go on for ever; what a store that is away does not take is tried again."""
        while True:
            await asyncio.sleep(COLLECT_SECONDS)
            self.collect()
            if self._clock.monotonic() - self._written_at < self._settings.rollup_seconds:
                continue
            due = self._clock.monotonic() - self._customers_at >= CUSTOMERS_SECONDS
            try:
                await self.write(customers=due)
            except GatewayError as exc:
                logger.warning("Charts have to wait: %s", exc.code)
            except Exception:
                logger.exception("What was counted could not be written.")

    def collect(self) -> None:
        """Take over what was counted since the last time, as of now. Never blocks."""
        at = start_of(Granularity.MINUTE, self._clock.now())
        taken, admitted = self._counts.take(), self._meter.admitted()
        if self.listener is not None:
            self.listener.add(admitted, taken)
        if self.upstreams is not None:
            self.upstreams.sample()
        for (project, metric), value in taken.metrics.items():
            self._count(project, metric, at, value)
        for metric, numbers in (
            (series.REQUESTS, admitted),
            (series.REQUESTS, taken.requests),
            (series.UNITS, admitted),
            (series.UNITS, taken.units),
        ):
            for project, value in _by_project(numbers).items():
                self._count(project, metric, at, value)
        if admitted or taken.requests or taken.denied:
            waiting = self._waiting.setdefault(at, Waiting())
            waiting.add(admitted, taken)
        if sum(map(len, self._waiting.values())) > MOST_KEPT:
            logger.warning("What customers did while the store was away is too much to keep.")
            self._waiting.clear()
        if len(self._used) <= MOST_KEPT:
            self._used.update(taken.used)

    async def write(self, *, customers: bool = True) -> None:
        """Write what was collected, of customers too, when keys were used, and how this worker does.

        Raises `StoreUnavailableError`; what is not written then is kept.
        """
        self._written_at = self._clock.monotonic()
        await self._write_counted()
        await self._write_used()
        if customers:
            await self._write_customers()
        if self._clock.monotonic() >= self._prune_at:
            self._prune_at = self._clock.monotonic() + PRUNE_SECONDS
            await self._prune()

    async def aclose(self) -> None:
        """Write the rest, if the store takes it. Safe to call twice."""
        self.collect()
        try:
            await self.write()
            async with self._records.write(ACTOR) as writer:
                await reports.remove(writer, self.worker)
        except GatewayError as exc:
            logger.warning("What was counted last is missing in charts: %s", exc.code)

    async def _write_counted(self) -> None:
        counted, self._counted = sorted(self._counted.items()), {}
        starts = range(0, max(1, len(counted)), COUNTS_AT_ONCE)
        parts = [dict(counted[at : at + COUNTS_AT_ONCE]) for at in starts]
        try:
            while parts:
                async with self._records.write(ACTOR) as writer:
                    await rollups.add(writer, parts[-1], {})
                    if len(parts) == 1:
                        await reports.put(writer, self.worker, self._report())
                parts.pop()
        except BaseException:
            for part in parts:
                for (project, metric, at), value in part.items():
                    self._count(project, metric, at, value)
            raise
        self._is_full = False

    async def _write_used(self) -> None:
        waiting = sorted(self._used)
        for at in range(0, len(waiting), KEYS_AT_ONCE):
            some = {key: self._used[key] for key in waiting[at : at + KEYS_AT_ONCE]}
            async with self._records.write(ACTOR) as writer:
                await credentials.used(writer, some)
            for key in some:
                self._used.pop(key, None)

    async def _write_customers(self) -> None:
        self._customers_at = self._clock.monotonic()
        for at in sorted(self._waiting):
            waiting = self._waiting.pop(at, None)
            while waiting:
                some = waiting.pop(CUSTOMERS_AT_ONCE)
                used = {(*owner, at): each for owner, each in some.items()}
                try:
                    async with self._records.write(ACTOR) as writer:
                        await rollups.add(writer, {}, used)
                except BaseException:
                    kept = self._waiting.setdefault(at, Waiting())
                    kept.put_back(some)
                    kept.put_back(waiting.pop(len(waiting)))
                    raise

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
            await reports.prune(writer, writer.now - DAY)
        for granularity, days in kept.items():
            before = writer.now - days * DAY
            while days and await self._prune_some(granularity, before) == PRUNE_AT_ONCE:
                pass

    async def _prune_some(self, granularity: Granularity, before: float) -> int:
        async with self._records.write(ACTOR) as writer:
            return await rollups.prune(writer, granularity, before, PRUNE_AT_ONCE)

    def _report(self) -> dict[str, Any]:
        held = self._meter.held()
        return {
            "leases": len(held),
            "leasedUnits": sum(counter.available for counter in held),
            "upstreams": [] if self.upstreams is None else list(self.upstreams.report()),
        }

    def _count(self, project: str, metric: str, at: int, value: int) -> None:
        key = (project, metric, at)
        if key not in self._counted and len(self._counted) >= MOST_KEPT:
            if not self._is_full:
                logger.warning("What is counted while the store is away is too much to keep.")
            self._is_full = True
            return
        self._counted[key] = self._counted.get(key, 0) + value


class Waiting:
    """What customers did in one minute, until it is written."""

    __slots__ = ("_admitted", "_denied", "_requests", "_units")

    def __init__(self) -> None:
        # One request and one unit each; and what is beside that.
        self._admitted: Numbers = {}
        self._requests: Numbers = {}
        self._units: Numbers = {}
        self._denied: Numbers = {}

    def __len__(self) -> int:
        return sum(map(len, (self._admitted, self._requests, self._units, self._denied)))

    def add(self, admitted: Numbers, taken: Taken) -> None:
        """Add what was counted."""
        _merge(self._admitted, admitted)
        _merge(self._requests, taken.requests)
        _merge(self._units, taken.units)
        _merge(self._denied, taken.denied)

    def pop(self, most: int) -> dict[tuple[str, str], Used]:
        """Return some of it, which is not here any more; the rest of a customer may be left."""
        popped: dict[tuple[str, str], Used] = {}
        for numbers, (requests, units, denied) in (
            (self._admitted, (1, 1, 0)),
            (self._requests, (1, 0, 0)),
            (self._units, (0, 1, 0)),
            (self._denied, (0, 0, 1)),
        ):
            while numbers and len(popped) < most:
                owner, n = numbers.popitem()
                used = Used(requests * n, units * n, denied * n)
                popped[owner] = plus(popped[owner], used) if owner in popped else used
        return popped

    def put_back(self, popped: dict[tuple[str, str], Used]) -> None:
        """Have again what was taken."""
        for owner, used in popped.items():
            for numbers, n in zip((self._requests, self._units, self._denied), used, strict=True):
                numbers[owner] = numbers.get(owner, 0) + n


def _by_project(numbers: Numbers) -> dict[str, int]:
    sums: dict[str, int] = {}
    for (project, _), number in numbers.items():
        sums[project] = sums.get(project, 0) + number
    return sums


def _merge(into: Numbers, numbers: Numbers) -> None:
    for owner, number in numbers.items():
        into[owner] = into.get(owner, 0) + number

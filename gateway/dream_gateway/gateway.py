"""One worker's machinery, put together: backend, records, cache, meter, admission."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from dream_gateway import metrics
from dream_gateway.admission import Admission
from dream_gateway.cache import CacheOptions
from dream_gateway.clock import SystemClock
from dream_gateway.counts import Counts
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.housekeeping import Housekeeping
from dream_gateway.invalidation import Invalidator
from dream_gateway.journal import Journal, boot_id
from dream_gateway.lease_policy import MeterOptions
from dream_gateway.lookup import Lookup
from dream_gateway.meter import Meter
from dream_gateway.metrics import merged
from dream_gateway.notices.background import Notices
from dream_gateway.plugins import Plugins
from dream_gateway.records.database import Records
from dream_gateway.records.directory import Directory
from dream_gateway.records.migrate import migrate
from dream_gateway.rollup import Rollup
from dream_gateway.shared import SharedSource
from dream_gateway.stores import Stores
from dream_gateway.telemetry.gathering import Telemetry
from dream_gateway.tokens import Tokens
from dream_gateway.version import version

if TYPE_CHECKING:
    from pathlib import Path

    from dream_gateway.billing.engine import Engine
    from dream_gateway.clock import Clock
    from dream_gateway.metrics import Readings
    from dream_gateway.payments import Billing
    from dream_gateway.settings import Settings
    from dream_gateway.source import Source
    from dream_gateway.storage import Ledger

logger = logging.getLogger(__name__)


class Gateway:
    """A started gateway can admit. One per worker process and event loop."""

    admission: Admission
    records: Records

    def __init__(
        self, settings: Settings, clock: Clock | None = None, plugins: Plugins | None = None
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.stores = Stores(settings, self.clock)
        self.plugins = plugins or Plugins(settings.plugins)
        self.sites = self.plugins.sites()
        self._tasks: list[asyncio.Task[None]] = []
        self._meter: Meter | None = None
        self._journal: Journal | None = None
        self._lookup: Lookup | None = None
        self._invalidator: Invalidator | None = None
        self.billing: Engine | None = None
        """What deals with money, if a plugin takes any."""
        self._notices: Notices | None = None
        self.rollup: Rollup | None = None
        """What writes down what happened, for charts."""
        self.telemetry: Telemetry | None = None
        """What this worker measures, and its node."""
        self.leaving = False
        """Whether whoever asks is told to send requests elsewhere, for they will not be served long."""

    async def start(self) -> None:
        """Open the stores, settle what dead workers left, and begin to follow changes.

        Raises an `OperatorError` or `StoreUnavailableError` if it cannot serve.
        """
        await self.stores.start()
        await migrate(self.stores.records_engine())
        ledger = self.stores.ledger()
        identity, folder = await ledger.identity(), self.stores.journal_dir()
        house = Housekeeping(ledger, identity, folder, self.settings, self.clock)
        try:
            await house.settle()
        except StoreUnavailableError as exc:
            # A part of the ledger is away, for its name was told: housekeeping tries again.
            logger.warning("Leases of dead workers could not be given back yet: %s", exc.code)
        self._journal = Journal(folder, identity, boot_id())
        self._meter = Meter(ledger, self._journal, self.clock, _meter_options(self.settings))
        self.records = Records(self.stores.records_engine(), self.clock, self.stores.feed())
        counts = Counts()
        source, kv = Directory(self.records), self.stores.kv()
        shared = None if kv is None else SharedSource(source, kv, self.clock)
        self._lookup = self._make_lookup(shared or source, counts)
        self._invalidator = Invalidator(self._lookup.cache, shared)
        self.records.tell(self._invalidator.apply)
        imported = self.settings.imported_keys
        self.admission = Admission(
            self._lookup, self._meter, ledger, self.clock, imported_keys=imported, counts=counts
        )
        self._notices = Notices(self.settings, self.records, ledger, self.clock)
        self.rollup = Rollup(self.settings, self.records, self._meter, counts, self.clock)
        self.telemetry = self._make_telemetry(folder, house)
        self.rollup.listener = self.telemetry.totals
        self._begin(house)
        if self.sites or self.plugins.exporters():
            await self._lend(ledger, self.telemetry)
        billings = self.plugins.billings()
        if billings:
            self.billing = self._open_billing(billings[0])
            self.billing.start()

    async def close(self) -> None:
        """Give every lease back and release the stores. Safe to call twice, or after a failure."""
        if self.billing is not None:
            await self.billing.aclose()
        for plugged in (*self.sites, *self.plugins.exporters()):
            try:
                await plugged.aclose()
            except Exception:
                # Whatever ails a plugin, leases go back.
                logger.exception("%s could not be closed.", type(plugged).__name__)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._notices is not None:
            await self._notices.aclose()
        if self._meter is not None:
            await self._meter.close()
        if self.rollup is not None:
            await self.rollup.aclose()
            self.rollup = None
        if self.telemetry is not None:
            await self.telemetry.aclose()
        if self._journal is not None:
            self._journal.close()
        self._meter = self._journal = None
        await self.plugins.aclose()
        await self.stores.close()

    async def health(self) -> dict[str, str | None]:
        """Return each part with what is wrong with it, `None` if nothing is."""
        ledger: str | None = None
        try:
            await self.stores.ledger().usage([])
        except StoreUnavailableError as exc:
            ledger = exc.detail
        lost = "The change feed is not followed." if self._feeds_lost() else None
        faults = {"ledger": ledger, "feed": lost}
        return faults | ({"gateway": "It is about to stop."} if self.leaving else {})

    def _make_lookup(self, source: Source, counts: Counts) -> Lookup:
        tokens = Tokens(self.plugins.identities(), self.clock, self.settings.cache_size)
        options = _cache_options(self.settings)
        return Lookup(source, self.clock, options, tokens, counts=counts)

    def _make_telemetry(self, folder: Path, house: Housekeeping) -> Telemetry:
        # Workers have one supervisor, which tells nodes apart that listen where there is room.
        settings = self.settings
        port = settings.service_port or f"of-{os.getppid()}"
        name = f"{os.uname().nodename}-{settings.service_host}-{port}"
        telemetry = Telemetry(folder / "metrics" / name, self.records, self.clock, version())
        telemetry.add(self._measure)
        telemetry.add(house.measure)
        return telemetry

    def _measure(self) -> Readings:
        parts = [] if self._meter is None else [self._meter.measure()]
        if self._lookup is not None:
            parts.append(self._lookup.measure())
        own: Readings = {metrics.FEEDS.name: {(): self._feeds_lost()}}
        return merged([own, *parts])

    def _feeds_lost(self) -> int:
        alive = 0 if self._invalidator is None else self._invalidator.feeds_alive
        return len(self.stores.feeds()) - alive

    async def _lend(self, ledger: Ledger, telemetry: Telemetry) -> None:
        # Brings cryptography, which a worker without such plugins does without.
        from dream_gateway.lending import Lent  # noqa: PLC0415

        lent = Lent(
            settings=self.settings,
            clock=self.clock,
            ledger=ledger,
            records=self.records,
            admission=self.admission,
            mailers=self.plugins.mailers(),
            metrics=telemetry,
        )
        for plugged in (*self.sites, *self.plugins.exporters()):
            await plugged.open(lent)

    def _open_billing(self, provider: Billing) -> Engine:
        # As above: it is large, and most do without.
        from dream_gateway.billing.engine import Engine  # noqa: PLC0415

        ledger = self.stores.ledger()
        return Engine(provider, self.records, self.clock, self.settings, ledger)

    def _begin(self, house: Housekeeping) -> None:
        assert self._invalidator is not None  # noqa: S101 - set by start
        assert self._notices is not None  # noqa: S101 - likewise
        assert self.rollup is not None  # noqa: S101 - likewise
        loop = asyncio.get_running_loop()
        self._tasks = [
            *(loop.create_task(self._invalidator.follow(feed)) for feed in self.stores.feeds()),
            loop.create_task(self._sweep()),
            loop.create_task(self._notices.run()),
            loop.create_task(self.rollup.run()),
            loop.create_task(house.run()),
        ]

    async def _sweep(self) -> None:
        while self._meter is not None:
            await asyncio.sleep(self.settings.lease_idle)
            if self._notices is not None:
                self._notices.look(self._meter.held())
            self._meter.sweep()


def _meter_options(settings: Settings) -> MeterOptions:
    return MeterOptions(
        seconds=settings.lease_seconds,
        share=settings.lease_share,
        most=settings.lease_max,
        idle=settings.lease_idle,
        age=settings.lease_age,
        deny_ttl=settings.deny_ttl,
        workers=settings.workers,
        strict=settings.strict,
    )


def _cache_options(settings: Settings) -> CacheOptions:
    return CacheOptions(
        size=settings.cache_size,
        ttl=settings.cache_ttl,
        negative_ttl=settings.cache_negative_ttl,
        max_stale=settings.cache_max_stale,
    )

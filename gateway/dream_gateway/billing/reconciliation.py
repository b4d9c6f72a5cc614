"""Compares what the ledger counted, what was reported of it, and what the provider has."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from dream_gateway.billing.collector import Collector, pending
from dream_gateway.errors import GatewayError
from dream_gateway.records import overage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dream_gateway.billing.collector import Count
    from dream_gateway.clock import Clock
    from dream_gateway.payments import Billing
    from dream_gateway.records.database import Records
    from dream_gateway.records.overage import Sums
    from dream_gateway.storage import Ledger

AT_ONCE = 200
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One customer's paid quota in one period. All are units.

    `beyond` is what the ledger has beyond what is included. Of that, `unreported` is what the next
    round finds, and `sums` what is reported. `provider` is what the provider has of the period,
    `None` if it could not be asked, because of `fault`.
    """

    project_id: str
    customer: str
    plan: str
    period_start: float
    period_end: float | None
    included: int
    used: int
    unreported: int
    sums: Sums
    provider: int | None
    fault: str | None = None

    @property
    def beyond(self) -> int:
        """The units beyond what is included."""
        return max(0, self.used - self.included)

    @property
    def difference(self) -> int | None:
        """What the provider has too much, or too little if it is negative."""
        return None if self.provider is None else self.provider - self.sums.sent

    @property
    def agrees(self) -> bool:
        """Whether the provider has exactly what was sent, and takes whatever is."""
        return self.difference == 0 and not self.sums.parked


class Reconciliation:
    """Reads everything and changes nothing."""

    def __init__(self, provider: Billing, records: Records, ledger: Ledger, clock: Clock) -> None:
        self._provider = provider
        self._records = records
        self._clock = clock
        self._collector = Collector(records, ledger, clock)

    async def lines(self, project_id: str | None) -> AsyncIterator[Line]:
        """Yield a line for each customer with overage and each of their periods, oldest first."""
        after = 0
        while True:
            async with self._records.read() as connection:
                batch = await overage.payable(connection, after, AT_ONCE, project_id)
            if not batch:
                return
            after = batch[-1].position
            for count in await self._collector.counts(batch):
                if count.tally.used:
                    yield await self._line(count)

    async def _line(self, count: Count) -> Line:
        payable, period = count.payable, count.counter.period
        quota, span = payable.tier.quota, pending(count)
        start, end = self._minutes(count)
        async with self._records.read() as connection:
            sums = await overage.sums(
                connection, payable.account, payable.meter, payable.payer_id, (start, end)
            )
        provider, fault = None, None
        try:
            provider = await self._provider.reported(
                payable.account, payable.meter, payable.payer_id, start, end
            )
        except GatewayError as exc:
            fault = exc.detail
        return Line(
            project_id=payable.project.id,
            customer=payable.customer.external_id,
            plan=payable.tier.name,
            period_start=start if period is None else period.start,
            period_end=None if period is None else period.end,
            included=0 if quota is None else quota.limit or 0,
            used=count.tally.used,
            unreported=0 if span is None else span.units,
            sums=sums,
            provider=provider,
            fault=fault,
        )

    def _minutes(self, count: Count) -> tuple[float, float]:
        """Return the whole minutes that a period is in: providers add by the minute."""
        period = count.counter.period
        start = 0 if period is None else period.start
        end = None if period is None else period.end
        last = self._clock.now() if end is None else min(self._clock.now(), end)
        return float(start // MINUTE * MINUTE), float(ceil(last / MINUTE) * MINUTE)

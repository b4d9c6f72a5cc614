"""Finds what was used beyond what is included, and has it reported. It looks at the ledger from afar.

Nothing of this is done where requests are admitted. Whatever a mark does not account for yet is found
at the next round; marks and reports are written in one transaction, so that a unit is in one report
or in none.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.billing import ACTOR
from dream_gateway.billing.overage import Mark, Span, advance, identifier, is_over
from dream_gateway.errors import StoreUnavailableError
from dream_gateway.model import Alignment
from dream_gateway.records import overage, rounds
from dream_gateway.records.overage import Marked, Report
from dream_gateway.subjects import Subject, templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dream_gateway.clock import Clock
    from dream_gateway.counter import Counter
    from dream_gateway.records.database import Records
    from dream_gateway.records.overage import Payable
    from dream_gateway.storage import Ledger, Tally

logger = logging.getLogger(__name__)

ROUND = "overage"
EVERY_SECONDS = 60.0
LEASE_SECONDS = 60.0
AT_ONCE = 200
LOOK_BACK_SECONDS = 7 * 86_400.0
"""How long after its end a period is still looked at: so long a gateway may have been down."""


class Count(NamedTuple):
    """A counter of a customer's paid quota, with what the ledger and the records say of it."""

    payable: Payable
    counter: Counter
    tally: Tally
    marked: Marked | None


class Collector:
    """Many workers and nodes may run it at once: one of them is at it."""

    def __init__(self, records: Records, ledger: Ledger, clock: Clock) -> None:
        self._records = records
        self._ledger = ledger
        self._clock = clock

    async def step(self) -> bool:
        """Account for some customers; return whether there are more."""
        async with self._records.read() as connection:
            if not await rounds.is_due(connection, ROUND, self._clock.now()):
                return False
        async with self._records.write(ACTOR) as writer:
            after = await rounds.take(writer, ROUND, LEASE_SECONDS)
        if after is None:
            return False
        async with self._records.read() as connection:
            batch = await overage.payable(connection, after, AT_ONCE)
        await self.account_for(batch)
        is_last = len(batch) == 0
        async with self._records.write(ACTOR) as writer:
            due_at = writer.now + (EVERY_SECONDS if is_last else 0.0)
            await rounds.leave(writer, ROUND, 0 if is_last else batch[-1].position, due_at)
        return not is_last

    async def account_for(self, batch: Sequence[Payable]) -> None:
        """Have reported what these customers used beyond what is included."""
        counts = [each for each in await self.counts(batch) if not _is_closed(each)]
        now = self._clock.now()
        news = [(each, *_advanced(each, now)) for each in counts]
        if not any(_is_news(each.marked, after) for each, after, _ in news):
            return
        async with self._records.write(ACTOR) as writer:
            for each, after, span in news:
                if _is_news(each.marked, after):
                    await overage.mark(writer, each.marked, after)
                    if span is not None:
                        await overage.add(writer, report_of(each, span, writer.now))

    async def counts(self, batch: Sequence[Payable]) -> list[Count]:
        """Return the counters of these customers, those of periods that ended lately too.

        Of a part of the ledger that is away there are none.
        """
        now = self._clock.now()
        by_project: defaultdict[str, list[tuple[Payable, Counter]]] = defaultdict(list)
        for each in batch:
            if each.tier.overage is not None and each.tier.quota is not None:
                by_project[each.project.id] += [(each, c) for c in _counters(each, now)]
        names = [c.key for found in by_project.values() for _, c in found]
        async with self._records.read() as connection:
            marked = await overage.marks(connection, names)
        counts: list[Count] = []
        for found in by_project.values():
            try:
                tallies = await self._ledger.usage([counter.key for _, counter in found])
            except StoreUnavailableError as exc:
                logger.warning("What was used cannot be read: %s", exc.code)
                continue
            counts += [
                Count(payable, counter, tally, marked.get(counter.key))
                for (payable, counter), tally in zip(found, tallies, strict=True)
            ]
        return counts


def report_of(count: Count, span: Span, now: float) -> Report:
    """Return the report of a span; its instant is in the counter's period, where it is billed."""
    payable, period = count.payable, count.counter.period
    end = None if period is None else period.end
    return Report(
        identifier=identifier(count.counter.key, span),
        project_id=payable.project.id,
        customer_id=payable.customer.id,
        account_id=payable.account.id or "",
        live=payable.account.live,
        meter=payable.meter,
        payer_id=payable.payer_id,
        counter=count.counter.key,
        before=span.before,
        upto=span.upto,
        at=now if end is None else min(now, end - 1.0),
        due_at=now,
    )


def pending(count: Count) -> Span | None:
    """Return what the next round has reported of a counter."""
    return _next(count)[1]


def _next(count: Count) -> tuple[Mark, Span | None]:
    payable, marked = count.payable, count.marked
    quota = payable.tier.quota
    return advance(
        None if marked is None else Mark(marked.accounted, marked.since),
        included=0 if quota is None else quota.limit or 0,
        since=payable.since,
        period_start=_began(count),
        used=count.tally.used,
    )


def _began(count: Count) -> float:
    """Return when a counter began to count: with its period, or when the first one's anchor was set."""
    payable, period = count.payable, count.counter.period
    start = 0.0 if period is None else float(period.start)
    first = int(payable.customer.anchor)
    if payable.project.alignment is Alignment.ANNIVERSARY and start == first:
        return max(start, payable.anchor_since)
    return start


def _advanced(count: Count, now: float) -> tuple[Marked, Span | None]:
    mark, span = _next(count)
    period = count.counter.period
    end = None if period is None else period.end
    after = Marked(
        counter=count.counter.key,
        project_id=count.payable.project.id,
        customer_id=count.payable.customer.id,
        period_start=0.0 if period is None else period.start,
        period_end=end,
        accounted=mark.accounted,
        since=mark.since,
        closed=is_over(end, count.tally.out, now),
    )
    return after, span


def _is_news(before: Marked | None, after: Marked) -> bool:
    """Return whether a mark is worth writing: without one, all of a period is accounted for."""
    if before is None:
        return after.accounted > 0 or after.since > after.period_start
    return before != after


def _is_closed(count: Count) -> bool:
    return count.marked is not None and count.marked.closed


def _counters(payable: Payable, now: float) -> Iterator[Counter]:
    """Yield the counters of a customer's first quota: of this period, and of those before it."""
    subject = Subject(payable.project, payable.customer, payable.tier, None)
    at, seen = now, ""
    while True:
        counter = next(each for each in templates(subject, at) if each.name == "quota")
        if counter.key == seen:
            return
        yield counter
        period, seen = counter.period, counter.key
        if period is None or period.start <= now - LOOK_BACK_SECONDS:
            return
        at = period.start - 1.0

"""The ledger's verbs on PostgreSQL: what each needs, and what it does to the books."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from dream_gateway import bookkeeping
from dream_gateway.bookkeeping import Books
from dream_gateway.storage import Outcome
from dream_gateway_postgres.lane import Lane
from dream_gateway_postgres.plan import Plan
from dream_gateway_postgres.pruning import Pruning, Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import asyncpg

    from dream_gateway.storage import Claim, Event, Grant, Recorded, Refund, Return, Tally, Void
    from dream_gateway_postgres.connector import Connector
    from dream_gateway_postgres.lane import Job
    from dream_gateway_postgres.transaction import Transactions

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a verb: `need` adds its rows to a plan, `apply` changes the books.

    `apply` is told whether the call is repeated after an attempt whose outcome nobody knows.
    """

    need: Callable[[Plan], None]
    apply: Callable[[Books, bool], object]


class PostgresLedger:
    """Usage counters, leases and idempotent events in one database.

    Three connections: calls that change something go together in one transaction after another,
    calls that only look in another, and pruning in a third, so that nobody waits for it.
    """

    def __init__(self, connector: Connector, transactions: Transactions) -> None:
        self._transactions = transactions
        self._changes: Lane[Call] = Lane(connector, self._change)
        self._looks: Lane[Sequence[str]] = Lane(connector, self._look)
        self._sweeps: Lane[Sweep] = Lane(connector, Pruning(transactions).run)
        self.name = ""

    async def close(self) -> None:
        """Commit what is queued, and close the connections."""
        for lane in (self._changes, self._looks, self._sweeps):
            await lane.close()

    async def identity(self) -> str:
        """Return the name that was made with the tables."""
        await self._looks.submit(())
        return self.name

    async def take(self, claims: Sequence[Claim]) -> list[Grant]:
        """Grant each claim what fits."""
        bookkeeping.check_claims(claims)
        grants: list[Grant] = await self._changes.submit(
            Call(
                lambda plan: plan.claims(claims),
                lambda books, _: [bookkeeping.take(books, claim) for claim in claims],
            )
        )
        return grants

    async def give_back(self, returns: Sequence[Return]) -> None:
        """Close leases, crediting what was not spent."""
        bookkeeping.check_returns(returns)
        await self._changes.submit(
            Call(
                lambda plan: plan.returns(returns),
                lambda books, _: _each(bookkeeping.give_back, books, returns),
            )
        )

    async def refund(self, refunds: Sequence[Refund]) -> None:
        """Take units of quotas back."""
        bookkeeping.check_refunds(refunds)
        await self._changes.submit(
            Call(
                lambda plan: plan.refunds(refunds),
                lambda books, _: _each(bookkeeping.refund, books, refunds),
            )
        )

    async def record(self, events: Sequence[Event | Void]) -> list[Recorded]:
        """Charge each event on all its counters, or on none."""
        bookkeeping.check_events(events)
        answers: list[Recorded] = await self._changes.submit(
            Call(
                lambda plan: plan.records(events),
                lambda books, again: [_record(books, event, again=again) for event in events],
            )
        )
        return answers

    async def usage(self, counters: Sequence[str]) -> list[Tally]:
        """Return each counter's tally. Locks nothing."""
        tallies: list[Tally] = await self._looks.submit(counters)
        return tallies

    async def prune(self, before: float, limit: int) -> int:
        """Delete history, a bounded number of rows."""
        gone: int = await self._sweeps.submit(Sweep(before, max(0, limit)))
        return gone

    async def _change(self, connection: asyncpg.Connection, jobs: list[Job[Call]]) -> None:
        plan = Plan()
        for job in jobs:
            job.call.need(plan)

        def decide(books: Books) -> None:
            for job in jobs:
                job.result = job.call.apply(books, job.again)

        await self._transactions.change(connection, plan, decide)

    async def _look(self, connection: asyncpg.Connection, jobs: list[Job[Sequence[str]]]) -> None:
        plan = Plan()
        for job in jobs:
            plan.quotas.update(job.call)
            plan.rates.update(job.call)
        async with self._transactions.reading(connection):
            rows = await self._transactions.read(connection, plan)
        # Overdue leases are settled in these books, and nowhere else.
        books = Books(rows, rows.now_us)
        for job in jobs:
            job.result = [bookkeeping.tally(books, key) for key in job.call]


def _each(verb: Callable[[Books, T], None], books: Books, items: Sequence[T]) -> None:
    for item in items:
        verb(books, item)


def _record(books: Books, event: Event | Void, *, again: bool) -> Recorded:
    answer = bookkeeping.record(books, event)
    if again and answer.outcome is Outcome.DUPLICATE and answer.id == event.id:
        # Ids are unique for ever: it was this very call that recorded it, and heard no answer.
        return replace(answer, outcome=Outcome.RECORDED)
    return answer

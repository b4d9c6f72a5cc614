"""The ledger's verbs on SQLite: each an operation on the books of one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway import bookkeeping
from dream_gateway.bookkeeping import CLOSED_LEASES_KEPT_US, SETTLE_US
from dream_gateway.storage import Quota

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.storage import Claim, Event, Grant, Recorded, Refund, Return, Tally, Void
    from dream_gateway_sqlite.session import Session
    from dream_gateway_sqlite.writer import Writer


class SqliteLedger:
    """Usage counters, leases and idempotent events in one SQLite file."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def identity(self) -> str:
        """Return the name made when the file was."""
        return await self._writer.submit(_identity)

    async def take(self, claims: Sequence[Claim]) -> list[Grant]:
        """Grant each claim what fits."""
        bookkeeping.check_claims(claims)
        return await self._writer.submit(
            lambda session: [bookkeeping.take(session.books, claim) for claim in claims],
            (
                [claim.counter for claim in claims if isinstance(claim.rule, Quota)],
                [claim.lease for claim in claims],
            ),
        )

    async def give_back(self, returns: Sequence[Return]) -> None:
        """Close leases, crediting what was not spent."""
        bookkeeping.check_returns(returns)
        await self._writer.submit(
            lambda session: _give_all_back(session, returns), ([], [item.lease for item in returns])
        )

    async def refund(self, refunds: Sequence[Refund]) -> None:
        """Take units of quotas back."""
        bookkeeping.check_refunds(refunds)
        await self._writer.submit(
            lambda session: _refund_all(session, refunds),
            ([item.counter for item in refunds], [item.id for item in refunds]),
        )

    async def record(self, events: Sequence[Event | Void]) -> list[Recorded]:
        """Charge each event on all its counters, or on none."""
        bookkeeping.check_events(events)
        return await self._writer.submit(
            lambda session: [bookkeeping.record(session.books, event) for event in events]
        )

    async def usage(self, counters: Sequence[str]) -> list[Tally]:
        """Return each counter's tally."""
        return await self._writer.submit(
            lambda session: [bookkeeping.tally(session.books, key) for key in counters]
        )

    async def prune(self, before: float, limit: int) -> int:
        """Delete history, a bounded number of rows."""
        return await self._writer.submit(lambda session: _prune(session, before, limit))


def _identity(session: Session) -> str:
    return str(session.execute(session.sql["identity"]).fetchone()[0])


def _give_all_back(session: Session, returns: Sequence[Return]) -> None:
    for item in returns:
        bookkeeping.give_back(session.books, item)


def _refund_all(session: Session, refunds: Sequence[Refund]) -> None:
    for item in refunds:
        bookkeeping.refund(session.books, item)


def _prune(session: Session, before: float, limit: int) -> int:
    """Delete rows directly: what other operations of this transaction changed is written first."""
    session.flush_and_forget()
    run, sql, now_us = session.execute, session.sql, session.books.now_us
    overdue = run(sql["overdue_buckets"], (now_us - SETTLE_US, now_us, max(0, limit))).fetchall()
    for (key,) in overdue:
        session.books.known_bucket(key)
    session.flush_and_forget()
    run(sql["restamp_leases"], (now_us, now_us))
    gone = 0
    for name, bound in (
        ("prune_counters", before),
        ("prune_events", before),
        ("prune_leases", now_us - CLOSED_LEASES_KEPT_US),
    ):
        gone += run(sql[name], (bound, max(0, limit - gone))).rowcount
    return gone

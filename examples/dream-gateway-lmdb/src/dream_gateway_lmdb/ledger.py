"""The ledger's verbs: each checks what it is asked, and runs in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway import bookkeeping
from dream_gateway_lmdb import keys
from dream_gateway_lmdb.history import prune

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.storage import Claim, Event, Grant, Recorded, Refund, Return, Tally, Void
    from dream_gateway_lmdb.session import Session
    from dream_gateway_lmdb.writer import Writer


class LmdbLedger:
    """Usage counters, leases and idempotent events in one file."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def identity(self) -> str:
        """Return the name made when the file was."""
        return await self._writer.run(_identity)

    async def take(self, claims: Sequence[Claim]) -> list[Grant]:
        """Grant each claim what fits."""
        bookkeeping.check_claims(claims)
        return await self._writer.run(
            lambda session: [bookkeeping.take(session.books, claim) for claim in claims]
        )

    async def give_back(self, returns: Sequence[Return]) -> None:
        """Close leases, crediting what was not spent."""
        bookkeeping.check_returns(returns)
        await self._writer.run(lambda session: _give_all_back(session, returns))

    async def refund(self, refunds: Sequence[Refund]) -> None:
        """Take units of quotas back."""
        bookkeeping.check_refunds(refunds)
        await self._writer.run(lambda session: _refund_all(session, refunds))

    async def record(self, events: Sequence[Event | Void]) -> list[Recorded]:
        """Charge each event on all its counters, or on none."""
        bookkeeping.check_events(events)
        return await self._writer.run(
            lambda session: [bookkeeping.record(session.books, event) for event in events]
        )

    async def usage(self, counters: Sequence[str]) -> list[Tally]:
        """Return each counter's tally."""
        return await self._writer.run(
            lambda session: [bookkeeping.tally(session.books, key) for key in counters]
        )

    async def prune(self, before: float, limit: int) -> int:
        """Delete history, a bounded number of rows."""
        return await self._writer.run(lambda session: prune(session, before, limit))


def _identity(session: Session) -> str:
    return str(session.read(keys.IDENTITY)["name"])


def _give_all_back(session: Session, returns: Sequence[Return]) -> None:
    for item in returns:
        bookkeeping.give_back(session.books, item)


def _refund_all(session: Session, refunds: Sequence[Refund]) -> None:
    for item in refunds:
        bookkeeping.refund(session.books, item)

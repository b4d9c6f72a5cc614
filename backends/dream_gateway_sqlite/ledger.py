"""The ledger's verbs on SQLite: what each does to the books of one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway import gcra
from dream_gateway.errors import InvalidRequestError
from dream_gateway.storage import Event, Grant, Quota, Tally
from dream_gateway_sqlite import events as usage_events
from dream_gateway_sqlite.books import MICROSECONDS, QUOTA_LEASE, RATE_LEASE, SETTLE_US, TOMBSTONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.storage import Claim, Recorded, Refund, Return, Void
    from dream_gateway_sqlite.books import Books, Lease
    from dream_gateway_sqlite.writer import Writer

CLOSED_LEASES_KEPT_US = 3600 * MICROSECONDS
NO_TALLY = Tally()


class SqliteLedger:
    """Usage counters, leases and idempotent events in one SQLite file."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def identity(self) -> str:
        """Return the name made when the file was."""
        return await self._writer.submit(_identity)

    async def take(self, claims: Sequence[Claim]) -> list[Grant]:
        """Grant each claim what fits."""
        for claim in claims:
            if not 1 <= claim.at_least <= claim.wanted:
                raise InvalidRequestError("A claim needs 1 <= at_least <= wanted.")
        return await self._writer.submit(
            lambda books: [_take(books, claim) for claim in claims],
            (
                [claim.counter for claim in claims if isinstance(claim.rule, Quota)],
                [claim.lease for claim in claims],
            ),
        )

    async def give_back(self, returns: Sequence[Return]) -> None:
        """Close leases, crediting what was not spent."""
        if any(item.spent is not None and item.spent < 0 for item in returns):
            raise InvalidRequestError("A lease cannot be spent by less than nothing.")
        await self._writer.submit(
            lambda books: _give_all_back(books, returns), ([], [item.lease for item in returns])
        )

    async def refund(self, refunds: Sequence[Refund]) -> None:
        """Take units of quotas back."""
        if any(item.units < 0 for item in refunds):
            raise InvalidRequestError("A refund cannot be of less than nothing.")
        await self._writer.submit(
            lambda books: _refund_all(books, refunds),
            ([item.counter for item in refunds], [item.id for item in refunds]),
        )

    async def record(self, events: Sequence[Event | Void]) -> list[Recorded]:
        """Charge each event on all its counters, or on none."""
        for event in events:
            usage_events.check(event)
        return await self._writer.submit(
            lambda books: [usage_events.record(books, event) for event in events]
        )

    async def usage(self, counters: Sequence[str]) -> list[Tally]:
        """Return each counter's tally."""
        return await self._writer.submit(lambda books: [_tally(books, key) for key in counters])

    async def prune(self, before: float, limit: int) -> int:
        """Delete history, a bounded number of rows."""
        return await self._writer.submit(lambda books: _prune(books, before, limit))


def _identity(books: Books) -> str:
    return str(books.execute(books.sql["identity"]).fetchone()[0])


def _take(books: Books, claim: Claim) -> Grant:
    if isinstance(claim.rule, Quota):
        return _take_quota(books, claim, claim.rule)
    return _take_rate(books, claim, claim.rule)


def _take_quota(books: Books, claim: Claim, rule: Quota) -> Grant:
    row = books.counter(claim.counter)
    limit, wanted = rule.limit, claim.wanted
    room = wanted if limit is None else limit - row.used - row.out
    lease = books.lease(claim.lease)
    if lease is not None:
        granted = lease.granted if lease.closed_us is None else 0
    else:
        granted = min(wanted, room)
        if granted >= claim.at_least:
            books.open(claim.lease, claim.counter, QUOTA_LEASE, granted)
            row.out += granted
            room -= granted
            books.set_end(row, rule.period_end)
            books.touch(row)
        else:
            granted = 0
    left = None if limit is None else max(0, room)
    return Grant(claim.lease, granted, row.used, row.out, left)


def _take_rate(books: Books, claim: Claim, rate: gcra.Rate) -> Grant:
    row = books.bucket(claim.counter, rate)
    lease = books.lease(claim.lease)
    wait = None
    if lease is not None:
        granted = lease.granted if lease.closed_us is None else 0
    else:
        took = gcra.take(rate, row.state, books.now_us, claim.wanted, claim.at_least)
        granted = took.granted
        if granted:
            books.open(claim.lease, claim.counter, RATE_LEASE, granted)
            books.set_bucket(row, took.bucket)
        elif took.retry_after_us is not None:
            wait = took.retry_after_us / MICROSECONDS
    tally = row.tally(books.now_us)
    left = gcra.remaining(rate, row.state, books.now_us)
    return Grant(claim.lease, granted, tally.used, tally.out, left, wait)


def _give_all_back(books: Books, returns: Sequence[Return]) -> None:
    for item in returns:
        _give_back(books, item)


def _give_back(books: Books, item: Return) -> None:
    lease = books.lease(item.lease)
    if lease is None:
        books.close(books.open(item.lease, "", TOMBSTONE, 0))
    elif lease.closed_us is None:
        spent = lease.granted if item.spent is None else min(item.spent, lease.granted)
        if lease.kind == QUOTA_LEASE:
            _settle_quota(books, lease, spent)
        else:
            _settle_rate(books, lease, spent)


def _settle_quota(books: Books, lease: Lease, spent: int) -> None:
    row = books.counter(lease.counter)
    row.used += spent
    row.out -= lease.granted
    books.touch(row)
    books.close(lease)


def _settle_rate(books: Books, lease: Lease, spent: int) -> None:
    row = books.known_bucket(lease.counter)
    # Reading the bucket settles its overdue leases, this one perhaps among them.
    if row is not None and lease.closed_us is None:
        state = gcra.settle(row.rate, row.state, books.now_us, lease.granted, spent)
        books.set_bucket(row, state)
        books.close(lease)


def _refund_all(books: Books, refunds: Sequence[Refund]) -> None:
    for item in refunds:
        _refund(books, item)


def _refund(books: Books, item: Refund) -> None:
    if books.lease(item.id) is not None:
        return
    books.close(books.open(item.id, "", TOMBSTONE, 0))
    row = books.counter(item.counter)
    if row.stored:
        row.used = max(0, row.used - item.units)
        books.touch(row)


def _tally(books: Books, key: str) -> Tally:
    tally = books.counter(key).tally()
    if tally == NO_TALLY:
        row = books.known_bucket(key)
        return tally if row is None else row.tally(books.now_us)
    return tally


def _prune(books: Books, before: float, limit: int) -> int:
    """Delete rows directly: what other operations of this transaction changed is written first."""
    books.flush_and_forget()
    run, sql, now_us = books.execute, books.sql, books.now_us
    overdue = run(sql["overdue_buckets"], (now_us - SETTLE_US, now_us, max(0, limit))).fetchall()
    for (key,) in overdue:
        books.known_bucket(key)
    books.flush_and_forget()
    run(sql["restamp_leases"], (now_us, now_us))
    gone = 0
    for name, bound in (
        ("prune_counters", before),
        ("prune_events", before),
        ("prune_leases", now_us - CLOSED_LEASES_KEPT_US),
    ):
        gone += run(sql[name], (bound, max(0, limit - gone))).rowcount
    return gone

"""What each verb of the ledger does to the books of one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway import gcra
from dream_gateway.bookkeeping.rows import MICROSECONDS, QUOTA_LEASE, RATE_LEASE, TOMBSTONE
from dream_gateway.errors import InvalidRequestError
from dream_gateway.storage import Event, Grant, Quota, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.bookkeeping.books import Books
    from dream_gateway.bookkeeping.rows import LeaseRow
    from dream_gateway.storage import Claim, Refund, Return, Void

CLOSED_LEASES_KEPT_US = 3600 * MICROSECONDS
NO_TALLY = Tally()


def check_claims(claims: Sequence[Claim]) -> None:
    """Raise `InvalidRequestError` unless `1 <= at_least <= wanted` in each."""
    for claim in claims:
        if not 1 <= claim.at_least <= claim.wanted:
            raise InvalidRequestError("A claim needs 1 <= at_least <= wanted.")


def check_returns(returns: Sequence[Return]) -> None:
    """Raise `InvalidRequestError` for a lease spent by less than nothing."""
    if any(item.spent is not None and item.spent < 0 for item in returns):
        raise InvalidRequestError("A lease cannot be spent by less than nothing.")


def check_refunds(refunds: Sequence[Refund]) -> None:
    """Raise `InvalidRequestError` for a refund of less than nothing."""
    if any(item.units < 0 for item in refunds):
        raise InvalidRequestError("A refund cannot be of less than nothing.")


def check_events(events: Sequence[Event | Void]) -> None:
    """Raise `InvalidRequestError` for a cost or an amount below zero."""
    for event in events:
        amount = event.cost if isinstance(event, Event) else event.amount
        if amount is not None and amount < 0:
            raise InvalidRequestError("The cost of an event cannot be negative.")


def take(books: Books, claim: Claim) -> Grant:
    """Grant all of `wanted`, or what fits down to `at_least`, or 0."""
    if isinstance(claim.rule, Quota):
        return _take_quota(books, claim, claim.rule)
    return _take_rate(books, claim, claim.rule)


def give_back(books: Books, item: Return) -> None:
    """Close a lease; an id never seen is remembered as closed."""
    lease = books.lease(item.lease)
    if lease is None:
        books.close(books.open(item.lease, "", TOMBSTONE, 0))
    elif lease.closed_us is None:
        spent = lease.granted if item.spent is None else min(item.spent, lease.granted)
        if lease.kind == QUOTA_LEASE:
            _settle_quota(books, lease, spent)
        else:
            _settle_rate(books, lease, spent)


def refund(books: Books, item: Refund) -> None:
    """Take units of a quota back, once for each id."""
    if books.lease(item.id) is not None:
        return
    books.close(books.open(item.id, "", TOMBSTONE, 0))
    row = books.counter(item.counter)
    if row.stored or row.dirty:
        row.used = max(0, row.used - item.units)
        books.touch(row)


def tally(books: Books, key: str) -> Tally:
    """Return a counter's units, a quota's or a rate's."""
    found = books.counter(key).tally()
    if found == NO_TALLY:
        row = books.known_bucket(key)
        return found if row is None else row.tally(books.now_us)
    return found


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
    units = row.tally(books.now_us)
    left = gcra.remaining(rate, row.state, books.now_us)
    return Grant(claim.lease, granted, units.used, units.out, left, wait)


def _settle_quota(books: Books, lease: LeaseRow, spent: int) -> None:
    row = books.counter(lease.counter)
    row.used += spent
    row.out -= lease.granted
    books.touch(row)
    books.close(lease)


def _settle_rate(books: Books, lease: LeaseRow, spent: int) -> None:
    row = books.known_bucket(lease.counter)
    # Reading the bucket settles its overdue leases, this one perhaps among them.
    if row is not None and lease.closed_us is None:
        state = gcra.settle(row.rate, row.state, books.now_us, lease.granted, spent)
        books.set_bucket(row, state)
        books.close(lease)

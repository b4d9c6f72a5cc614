"""Usage events with idempotency keys, and the voids that take them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway import gcra
from dream_gateway.bookkeeping.rows import MICROSECONDS, EventRow
from dream_gateway.storage import Event, Outcome, Quota, Recorded, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dream_gateway.bookkeeping.books import Books
    from dream_gateway.storage import Charge, Void

NO_ROOM = -1
"""Marks a charge that no waiting helps."""


def record(books: Books, event: Event | Void) -> Recorded:
    """Apply an event or a void, unless its key was used before."""
    row = books.event(event.scope, event.key)
    if row is not None:
        return _repeat(event, row)
    return _charge(books, event) if isinstance(event, Event) else _void(books, event)


def _repeat(event: Event | Void, row: EventRow) -> Recorded:
    if row.fingerprint != event.fingerprint or (row.voids is None) != isinstance(event, Event):
        return Recorded(Outcome.CONFLICT, row.id)
    first = tuple(Tally(used, out) for used, out in row.tallies)
    return Recorded(Outcome.DUPLICATE, row.id, row.cost, first, row.subject)


def _charge(books: Books, event: Event) -> Recorded:
    undo: list[Callable[[], None]] = []
    for number, charge in enumerate(event.charges):
        wait = _put(books, charge, event.cost, undo)
        if wait is not None:
            for step in reversed(undo):
                step()
            after = None if wait == NO_ROOM else wait / MICROSECONDS
            return Recorded(Outcome.DENIED, event.id, denied_by=number, retry_after=after)
    names = [(charge.counter, isinstance(charge.rule, Quota)) for charge in event.charges]
    return _add(books, event, event.subject, event.cost, names)


def _put(books: Books, charge: Charge, cost: int, undo: list[Callable[[], None]]) -> int | None:
    """Put a cost on one counter. `None`: done; else the wait in microseconds, or `NO_ROOM`."""
    if cost == 0:
        return None
    if isinstance(charge.rule, Quota):
        return _put_quota(books, charge.counter, charge.rule, cost, undo)
    return _put_rate(books, charge.counter, charge.rule, cost, undo)


def _put_quota(
    books: Books, key: str, rule: Quota, cost: int, undo: list[Callable[[], None]]
) -> int | None:
    row = books.counter(key)
    if rule.limit is not None and row.used + row.out + cost > rule.limit:
        return NO_ROOM
    before = row.used, row.period_end, row.moved

    def restore() -> None:
        row.used, row.period_end, row.moved = before

    undo.append(restore)
    row.used += cost
    books.set_end(row, rule.period_end)
    books.touch(row)
    return None


def _put_rate(
    books: Books, key: str, rate: gcra.Rate, cost: int, undo: list[Callable[[], None]]
) -> int | None:
    row = books.bucket(key, rate)
    before = row.state
    took = gcra.take(rate, before, books.now_us, cost, cost)
    if not took.granted:
        return NO_ROOM if took.retry_after_us is None else took.retry_after_us
    undo.append(lambda: books.set_bucket(row, before))
    # Spent at once: the debt is made, and nothing is out on lease for it.
    spent = gcra.Bucket(took.bucket.tat_us, before.out, took.bucket.surplus)
    books.set_bucket(row, spent)
    return None


def _void(books: Books, void: Void) -> Recorded:
    row = books.event_by_id(void.scope, void.event)
    if row is None:
        return Recorded(Outcome.UNKNOWN, void.id)
    left = row.cost - row.voided
    amount = left if void.amount is None else void.amount
    if amount > left or (left == 0 and row.cost > 0):
        return Recorded(Outcome.EXCEEDS, void.id, subject=row.subject)
    for counter, quota in row.charges:
        if quota:
            credited = books.counter(counter)
            credited.used = max(0, credited.used - amount)
            if credited.stored or credited.dirty:
                books.touch(credited)
    books.void(row, amount)
    return _add(books, void, row.subject, amount, row.charges)


def _add(
    books: Books,
    event: Event | Void,
    subject: str,
    cost: int,
    names: Sequence[tuple[str, bool]],
) -> Recorded:
    """Store an event or a void that was applied, with the answer that a repeat will get."""
    tallies = tuple(_tally(books, counter, quota=quota) for counter, quota in names)
    row = EventRow(
        event.scope,
        event.key,
        id_=event.id,
        fingerprint=event.fingerprint,
        subject=subject,
        voids=None if isinstance(event, Event) else event.event,
        cost=cost,
        voided=0,
        at=event.at,
        charges=names,
        tallies=[(tally.used, tally.out) for tally in tallies],
    )
    books.add_event(row)
    return Recorded(Outcome.RECORDED, event.id, cost, tallies, subject)


def _tally(books: Books, counter: str, *, quota: bool) -> Tally:
    if quota:
        return books.counter(counter).tally()
    row = books.known_bucket(counter)
    return Tally() if row is None else row.tally(books.now_us)

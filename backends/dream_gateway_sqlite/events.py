"""Usage events with idempotency keys, and the voids that take them back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dream_gateway import gcra
from dream_gateway.errors import InvalidRequestError
from dream_gateway.storage import Event, Outcome, Quota, Recorded, Tally
from dream_gateway_sqlite.books import MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from dream_gateway.storage import Charge, Void
    from dream_gateway_sqlite.books import Books

NO_ROOM = -1
"""Marks a charge that no waiting helps."""


def check(event: Event | Void) -> None:
    """Raise `InvalidRequestError` for a cost or an amount below zero."""
    amount = event.cost if isinstance(event, Event) else event.amount
    if amount is not None and amount < 0:
        raise InvalidRequestError("The cost of an event cannot be negative.")


def record(books: Books, event: Event | Void) -> Recorded:
    """Apply an event or a void, unless its key was used before."""
    row = books.execute(books.sql["event"], (event.scope, event.key)).fetchone()
    if row is not None:
        return _repeat(event, row)
    return _charge(books, event) if isinstance(event, Event) else _void(books, event)


def _repeat(
    event: Event | Void, row: tuple[str, str, str, str | None, int, int, str, str]
) -> Recorded:
    id_, fingerprint, subject, voids, cost, _, _, tallies = row
    if fingerprint != event.fingerprint or (voids is None) != isinstance(event, Event):
        return Recorded(Outcome.CONFLICT, id_)
    first = tuple(Tally(used, out) for used, out in json.loads(tallies))
    return Recorded(Outcome.DUPLICATE, id_, cost, first, subject)


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
    tallies = _tallies(books, names)
    _insert(
        books,
        event,
        subject=event.subject,
        voids=None,
        cost=event.cost,
        names=names,
        tallies=tallies,
    )
    return Recorded(Outcome.RECORDED, event.id, event.cost, tallies, event.subject)


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
    row = books.execute(books.sql["event_by_id"], (void.scope, void.event)).fetchone()
    if row is None:
        return Recorded(Outcome.UNKNOWN, void.id)
    key, subject, cost, voided, charges = row
    left = cost - voided
    amount = left if void.amount is None else void.amount
    if amount > left or (left == 0 and cost > 0):
        return Recorded(Outcome.EXCEEDS, void.id, subject=subject)
    names = [(counter, quota) for counter, quota in json.loads(charges)]
    for counter, quota in names:
        if quota:
            credited = books.counter(counter)
            credited.used = max(0, credited.used - amount)
            if credited.stored or credited.dirty:
                books.touch(credited)
    books.execute(books.sql["void_event"], (amount, void.scope, key))
    tallies = _tallies(books, names)
    _insert(
        books,
        void,
        subject=subject,
        voids=void.event,
        cost=amount,
        names=names,
        tallies=tallies,
    )
    return Recorded(Outcome.RECORDED, void.id, amount, tallies, subject)


def _tallies(books: Books, names: list[tuple[str, bool]]) -> tuple[Tally, ...]:
    return tuple(_tally(books, counter, quota=quota) for counter, quota in names)


def _tally(books: Books, counter: str, *, quota: bool) -> Tally:
    if quota:
        return books.counter(counter).tally()
    row = books.known_bucket(counter)
    return Tally() if row is None else row.tally(books.now_us)


def _insert(
    books: Books,
    event: Event | Void,
    *,
    subject: str,
    voids: str | None,
    cost: int,
    names: list[tuple[str, bool]],
    tallies: tuple[Tally, ...],
) -> None:
    figures = [(tally.used, tally.out) for tally in tallies]
    books.execute(
        books.sql["insert_event"],
        (
            event.scope, event.key, event.id, event.fingerprint, subject, voids, cost,
            event.at, json.dumps(names), json.dumps(figures),
        ),
    )  # fmt: skip

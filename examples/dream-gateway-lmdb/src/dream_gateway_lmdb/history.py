"""Deletes what is history, a bounded number of rows."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

from dream_gateway.bookkeeping import CLOSED_LEASES_KEPT_US, MICROSECONDS
from dream_gateway_lmdb import keys
from dream_gateway_lmdb.keys import DIGEST_BYTES, digest, stamp
from dream_gateway_lmdb.session import is_overdue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dream_gateway_lmdb.session import Session

CLOSED_AT = 4
"""Where a lease's values tell when it was closed."""


def prune(session: Session, before: float, limit: int) -> int:
    """Delete at most `limit` rows: ended quotas, old events, leases closed over an hour ago.

    Rows are deleted directly: what other operations of this transaction changed is written first.
    """
    session.flush_and_forget()
    _settle_overdue(session, limit)
    _restamp(session)
    gone = 0
    for index, bound, forget in (
        (keys.COUNTER_ENDS, int(before), _forget_counter),
        (keys.EVENT_TIMES, int(before * MICROSECONDS), _forget_event),
        (keys.LEASE_ENDS, session.now_us - CLOSED_LEASES_KEPT_US, _forget_lease),
    ):
        gone += _prune(session, index, stamp(bound), limit - gone, forget)
    return gone


def _settle_overdue(session: Session, limit: int) -> None:
    """Have rate leases that nobody may spend from counted as spent, at most `limit` of them."""
    entries = (json.loads(value) for _, value in session.scan(keys.OPEN_RATE_LEASES))
    overdue = (bucket for _, bucket, opened_us in entries if is_overdue(opened_us, session.now_us))
    for bucket in list(islice(overdue, max(0, limit))):
        session.books.known_bucket(bucket)
    session.flush_and_forget()


def _restamp(session: Session) -> None:
    """After a reboot the clock starts again: closed leases begin their hour anew."""
    for entry, _ in list(session.scan(keys.LEASE_ENDS, stamp(session.now_us + 1))):
        name = entry[-DIGEST_BYTES:]
        values = session.read(keys.LEASE + name)
        values[CLOSED_AT] = session.now_us
        session.write(keys.LEASE + name, values)
        session.transaction.delete(entry)
        session.write(keys.LEASE_ENDS + stamp(session.now_us) + name, None)


def _prune(
    session: Session,
    index: bytes,
    bound: bytes,
    limit: int,
    forget: Callable[[Session, bytes], bool],
) -> int:
    """Forget what an index has before a bound; an entry goes with what it leads to."""
    gone = 0
    for entry in _before(session, index, bound):
        if gone >= limit:
            break
        if forget(session, entry[-DIGEST_BYTES:]):
            session.transaction.delete(entry)
            gone += 1
    return gone


def _before(session: Session, index: bytes, bound: bytes) -> Iterator[bytes]:
    """Yield an index's entries before a bound; each may be deleted before the next is asked for."""
    start = b""
    while True:
        entry = next((key for key, _ in session.scan(index, start)), None)
        if entry is None or entry[len(index) : -DIGEST_BYTES] >= bound:
            return
        yield entry
        start = entry[len(index) :] + b"\x00"


def _forget_counter(session: Session, name: bytes) -> bool:
    """Delete a quota, unless something of it is on lease."""
    _, out, _ = session.read(keys.COUNTER + name)
    return out == 0 and session.transaction.delete(keys.COUNTER + name)


def _forget_event(session: Session, name: bytes) -> bool:
    event = session.read(keys.EVENT + name)
    if event["voids"] is None:
        session.transaction.delete(keys.EVENT_ID + digest(event["scope"], event["id_"]))
    return session.transaction.delete(keys.EVENT + name)


def _forget_lease(session: Session, name: bytes) -> bool:
    return session.transaction.delete(keys.LEASE + name)

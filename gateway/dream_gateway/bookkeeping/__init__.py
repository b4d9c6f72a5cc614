"""For authors of transactional backends: the ledger's verbs on the rows of one transaction.

A backend reads rows, lets the verbs change them in memory, and writes what changed:

    books = Books(rows, now_us)
    grants = [take(books, claim) for claim in claims]
    write(books.changes())

`rows` answers what the verbs ask for (`Rows`), either lazily or from what was read beforehand. The
verbs are pure: they never wait, and the same rows give the same answers. The backend sees to it that
no other transaction changes the rows between the reading and the writing.
"""

from dream_gateway.bookkeeping.books import Books, Changes
from dream_gateway.bookkeeping.events import record
from dream_gateway.bookkeeping.rows import (
    MICROSECONDS,
    QUOTA_LEASE,
    RATE_LEASE,
    SETTLE_US,
    TOMBSTONE,
    BucketRow,
    CounterRow,
    EventRow,
    LeaseRow,
    Rows,
)
from dream_gateway.bookkeeping.verbs import (
    CLOSED_LEASES_KEPT_US,
    check_claims,
    check_events,
    check_refunds,
    check_returns,
    give_back,
    refund,
    take,
    tally,
)
from dream_gateway.gcra import Bucket, Rate

__all__ = [
    "CLOSED_LEASES_KEPT_US",
    "MICROSECONDS",
    "QUOTA_LEASE",
    "RATE_LEASE",
    "SETTLE_US",
    "TOMBSTONE",
    "Books",
    "Bucket",
    "BucketRow",
    "Changes",
    "CounterRow",
    "EventRow",
    "LeaseRow",
    "Rate",
    "Rows",
    "check_claims",
    "check_events",
    "check_refunds",
    "check_returns",
    "give_back",
    "record",
    "refund",
    "take",
    "tally",
]

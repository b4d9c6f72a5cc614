"""What a backend implements. The docstrings here are the contract; the shipped suites test them.

A backend offers some of four roles: *records* (the system of record, an SQL database), *ledger*
(usage counters and leases), *kv* (a second-level cache) and *feed* (what changed). Denial is a value,
failure is an exception: every method raises `StoreUnavailableError` when the store cannot be reached or
cannot write, and nothing has changed unless the method says otherwise. All methods may be called
concurrently, from one event loop.
"""

from __future__ import annotations

from dream_gateway.storage.backend import Backend, Role
from dream_gateway.storage.events import Charge, Event, Outcome, Recorded, Void
from dream_gateway.storage.feed import Change, ChangeFeed, Subject
from dream_gateway.storage.kv import KeyValue
from dream_gateway.storage.leases import (
    RATE_LEASE_SETTLE_SECONDS,
    RATE_LEASE_SPEND_SECONDS,
    Claim,
    Grant,
    Quota,
    Refund,
    Return,
    Tally,
)
from dream_gateway.storage.ledger import Ledger
from dream_gateway.storage.shards import SHARDS, Split, shard_of

__all__ = [
    "RATE_LEASE_SETTLE_SECONDS",
    "RATE_LEASE_SPEND_SECONDS",
    "SHARDS",
    "Backend",
    "Change",
    "ChangeFeed",
    "Charge",
    "Claim",
    "Event",
    "Grant",
    "KeyValue",
    "Ledger",
    "Outcome",
    "Quota",
    "Recorded",
    "Refund",
    "Return",
    "Role",
    "Split",
    "Subject",
    "Tally",
    "Void",
    "shard_of",
]

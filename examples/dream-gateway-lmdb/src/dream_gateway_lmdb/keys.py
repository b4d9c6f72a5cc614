"""Where things are in the file: every key is one letter and what is sought.

A capital letter is an index: its keys sort as times do, and begin with what is scanned for.
"""

from __future__ import annotations

import json
from hashlib import blake2b

IDENTITY = b"i"
COUNTER = b"c"
BUCKET = b"b"
LEASE = b"l"
EVENT = b"e"
EVENT_ID = b"n"
"""`(scope, id)` of an event, a void never: leads to the event's own key."""

COUNTER_ENDS = b"C"
EVENT_TIMES = b"E"
LEASE_ENDS = b"L"
OPEN_RATE_LEASES = b"O"
"""By bucket, and then by when it was opened."""

DIGEST_BYTES = 24
BEFORE_ALL = 1 << 63


def digest(*names: str) -> bytes:
    """Return names as a key of LMDB, which takes at most 511 bytes."""
    return blake2b(json.dumps(names).encode(), digest_size=DIGEST_BYTES).digest()


def stamp(time: int) -> bytes:
    """Return a time as eight bytes that sort as it does; times are within 63 bits."""
    return min(max(time + BEFORE_ALL, 0), 2 * BEFORE_ALL - 1).to_bytes(8, "big")

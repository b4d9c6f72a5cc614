"""How a ledger's counters are spread over parts of it, which may be several machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Hashable


SHARDS = 1024
"""Into how many parts a ledger may be split."""


def shard_of(name: str) -> int:
    """Return the shard of a counter or a scope, from 0 to `SHARDS - 1`: the same one for ever.

    Names with the same text before their first `/` are one group, and a group is never split:
    what one call ties together, an event's charges and its scope, is of one group. A gateway's group
    is the project. CRC-32 (ISO/IEC 13239) of the group, modulo `SHARDS`.
    """
    return crc32(name.partition("/")[0].encode()) % SHARDS


@runtime_checkable
class Split(Protocol):
    """What a ledger on several machines offers beside its verbs, so that each may fail by itself.

    A call about counters of one part is answered, or fails, whatever the others do.
    """

    def part(self, shard: int) -> Hashable:
        """Return which part has a shard (`shard_of`) just now. Never blocks."""
        ...

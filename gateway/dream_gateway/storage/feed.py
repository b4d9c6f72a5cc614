"""What changed in the records, for every worker to hear."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


class Subject(StrEnum):
    """What a change is about; `ALL` means: whatever you know may be wrong."""

    CREDENTIAL = "credential"
    CUSTOMER = "customer"
    TIER = "tier"
    PROJECT = "project"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Change:
    """Something in the records changed; `ref` is its id (a tier's is its project's id)."""

    subject: Subject
    ref: str


class ChangeFeed(Protocol):
    """Tells every worker what changed in the records, within a second.

    Every write to the records inserts its changes into the table `changes` in the same
    transaction; a feed over the same database reads that table, and needs no `publish`.
    """

    async def publish(self, changes: Sequence[Change]) -> None:
        """Announce changes that are committed. At least once; the order is the callers'."""
        ...

    def follow(self) -> AsyncIterator[Sequence[Change]]:
        """Yield changes made after the first step of the iteration, in batches, for ever.

        The first batch is yielded at once and is empty: from then on nothing is missed. A batch
        may be empty later too: a sign of life, at least twice a second. If changes may have been
        missed, yields `Subject.ALL`. Raises `StoreUnavailableError` when the feed is lost; the caller
        starts again, and must take it that anything changed meanwhile.
        """
        ...

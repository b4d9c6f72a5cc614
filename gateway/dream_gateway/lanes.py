"""What a worker has to ask of the ledger, for each part of it in a lane of its own.

What is asked of one part goes together, one exchange at a time. So a part that is away holds up nobody
whose counters are elsewhere. Plain state without I/O; `dream_gateway.ledger_dispatch` moves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dream_gateway.storage import Split

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Hashable

    from dream_gateway.counter import Counter
    from dream_gateway.storage import Ledger, Refund, Return


class Lane:
    """What goes to one part of the ledger next, and the task that sends it."""

    __slots__ = ("asked", "flushing", "refunds", "returns")

    def __init__(self) -> None:
        self.asked: list[tuple[Counter, bool]] = []
        """Counters to claim for, and whether only to have the next lease ahead of time."""
        self.returns: list[tuple[Return, int]] = []
        self.refunds: list[Refund] = []
        self.flushing: asyncio.Task[None] | None = None

    def is_empty(self) -> bool:
        """Tell whether there is nothing to send."""
        return not (self.asked or self.returns or self.refunds)


class Lanes:
    """The lanes of one ledger: one, unless it is split."""

    def __init__(self, ledger: Ledger) -> None:
        self._part: Callable[[int], Hashable] = ledger.part if isinstance(ledger, Split) else _whole
        self._lanes: dict[Hashable, Lane] = {}

    def of(self, shard: int) -> Lane:
        """Return the lane of a shard: another one once the shard has moved, which harms nothing."""
        part = self._part(shard)
        lane = self._lanes.get(part)
        if lane is None:
            lane = self._lanes[part] = Lane()
        return lane

    def all(self) -> tuple[Lane, ...]:
        """Return every lane there has been."""
        return tuple(self._lanes.values())


def _whole(_shard: int) -> None:
    """Return the only part of a ledger that is not split."""

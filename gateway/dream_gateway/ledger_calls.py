"""What a worker's calls of the ledger take: how large they are, how long, and how many fail.

Noted once for each call, which many requests share.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from dream_gateway import metrics
from dream_gateway.metrics import Histogram

if TYPE_CHECKING:
    from dream_gateway.metrics import Readings


class LedgerCall(StrEnum):
    """The calls that the meter makes."""

    TAKE = "take"
    GIVE_BACK = "give_back"
    REFUND = "refund"


class LedgerCalls:
    """Used from one event loop. Nothing blocks."""

    __slots__ = ("_batches", "_failures", "_seconds", "leases")

    def __init__(self) -> None:
        self._seconds = {each: Histogram(metrics.LEDGER_CALLS.bounds) for each in LedgerCall}
        self._batches = {each: Histogram(metrics.BATCHES.bounds) for each in LedgerCall}
        self._failures = dict.fromkeys(LedgerCall, 0)
        self.leases = Histogram(metrics.LEASE_UNITS.bounds)
        """The units of each lease that was granted."""

    def done(self, operation: LedgerCall, size: int, seconds: float) -> None:
        """Note a call that the ledger answered, for so many leases."""
        self._seconds[operation].observe(seconds)
        self._batches[operation].observe(size)

    def failed(self, operation: LedgerCall) -> None:
        """Note a call that it did not answer."""
        self._failures[operation] += 1

    def measure(self) -> Readings:
        """Return what was noted."""
        return {
            metrics.LEASE_UNITS.name: {(): self.leases.value()},
            metrics.LEDGER_CALLS.name: {(o.value,): h.value() for o, h in self._seconds.items()},
            metrics.BATCHES.name: {(o.value,): h.value() for o, h in self._batches.items()},
            metrics.LEDGER_FAULTS.name: {(o.value,): n for o, n in self._failures.items()},
        }

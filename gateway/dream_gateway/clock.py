"""Time as an argument: the two clocks the gateway reads, behind one interface."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from. Never blocks; safe from any thread."""

    def now(self) -> float:
        """Seconds since the epoch, UTC. May step either way."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back, and counts time spent suspended."""
        ...


class SystemClock:
    """The operating system's clocks."""

    __slots__ = ("_monotonic_id",)

    def __init__(self) -> None:
        # CLOCK_MONOTONIC stands still while a machine sleeps, and a lease must not.
        self._monotonic_id = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since boot, suspended time included where the system can tell."""
        return time.clock_gettime(self._monotonic_id)

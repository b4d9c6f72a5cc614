"""Time as an argument: the two clocks the gateway reads, behind one interface."""

from __future__ import annotations

import time
from functools import partial
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
    """The operating system's clocks, called without anything of ours in between."""

    __slots__ = ("monotonic", "now")

    def __init__(self) -> None:
        self.now = time.time
        # CLOCK_MONOTONIC stands still while a machine sleeps, and a lease must not.
        clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        self.monotonic = partial(time.clock_gettime, clock)

"""A clock that stands still until it is told otherwise."""

from __future__ import annotations

EPOCH = 1_800_000_000.0
UPTIME = 1_000.0


class FakeClock:
    """Both clocks, moved by hand. Safe from any thread."""

    def __init__(self, now: float = EPOCH, monotonic: float = UPTIME) -> None:
        self._now = now
        self._monotonic = monotonic

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return self._monotonic

    def set_now(self, now: float) -> None:
        """Set the wall clock."""
        self._now = now

    def set_monotonic(self, monotonic: float) -> None:
        """Set the monotonic clock; backwards is what a reboot looks like."""
        self._monotonic = monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self._now += seconds
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Step the wall clock alone, either way, as an administrator would."""
        self._now += seconds

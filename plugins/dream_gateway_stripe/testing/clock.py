"""A clock that can be set forward: it goes on from there."""

from __future__ import annotations

import time


class SettableClock:
    """The system's time, and what it was advanced by. Safe from any thread."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self.offset += seconds

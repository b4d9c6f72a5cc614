"""How a customer's payments go."""

from __future__ import annotations

from enum import StrEnum


class Card(StrEnum):
    """What a customer pays with. Who has none cannot pay."""

    WORKS = "works"
    DECLINES = "declines"
    SLOW = "slow"
    """A bank debit: it is under way for days, and then succeeds or fails."""

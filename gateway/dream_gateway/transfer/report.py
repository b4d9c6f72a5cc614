"""What an import did, or would do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line or row that is not imported: where it is, whose, and why."""

    place: str
    owner: str
    reason: str


@dataclass(slots=True)
class Report:
    """How many of each kind of line were created, and how many were there already.

    `refused` keeps the rest of its project or platform out, too: `left_out` names those. `notes` are
    for people.
    """

    created: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    refused: list[Refusal] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

"""What happens beside what the meter counts: refusals, other costs than one, refunds, latencies.

Plain numbers of one worker, in memory, for charts, and when keys were used last. Nothing here is on
the warm way of a request of one unit: the units that were admitted are the meter's to tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dream_gateway import series

if TYPE_CHECKING:
    from dream_gateway.subjects import Subject

NOBODY = ""
"""The project or customer of what nobody knows whose it was."""


class Counted(NamedTuple):
    """What was counted: by project and metric, and by project and customer."""

    metrics: dict[tuple[str, str], int]
    requests: dict[tuple[str, str], int]
    """Requests, beside one for each unit that the meter admitted: fewer, where one costs more."""

    units: dict[tuple[str, str], int]
    """Units that were charged without the meter, by recorded events."""

    denied: dict[tuple[str, str], int]

    used: dict[str, float]
    """When keys were used last, by id, in seconds since the epoch."""

    seconds: dict[str, float]
    """What the latencies of a project add up to."""


class Counts:
    """Counts until they are taken. Used from one event loop. Nothing blocks, and nothing raises."""

    __slots__ = ("_denied", "_metrics", "_requests", "_seconds", "_units", "_used")

    def __init__(self) -> None:
        self._metrics: dict[tuple[str, str], int] = {}
        self._requests: dict[tuple[str, str], int] = {}
        self._units: dict[tuple[str, str], int] = {}
        self._denied: dict[tuple[str, str], int] = {}
        self._used: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    def weighed(self, subject: Subject, cost: int) -> None:
        """Count one admitted request of a cost that is not 1, and that the meter was charged."""
        if cost and not any(counter.owner is not None for counter in subject.counters):
            return  # Its tier counts nothing.
        _add(self._requests, (subject.project.id, subject.customer.id), 1 - cost)

    def recorded(self, subject: Subject, cost: int) -> None:
        """Count one admitted event, whose cost the ledger was charged without the meter."""
        owner = (subject.project.id, subject.customer.id)
        _add(self._requests, owner, 1)
        _add(self._units, owner, cost)

    def denied(self, code: str, project: str = NOBODY, customer: str = NOBODY) -> None:
        """Count one refusal with the code of its error."""
        _add(self._metrics, (project, series.denied(code)), 1)
        if customer:
            _add(self._denied, (project, customer), 1)

    def refunded(self, project: str, units: int) -> None:
        """Count units that were given back."""
        _add(self._metrics, (project, series.REFUNDED), units)

    def took(self, project: str, seconds: float) -> None:
        """Count how long one request took until its answer began."""
        _add(self._metrics, (project, series.latency(seconds)), 1)
        self._seconds[project] = self._seconds.get(project, 0.0) + seconds

    def used(self, key: str, at: float) -> None:
        """Note that a key is used at an instant, in seconds since the epoch."""
        self._used[key] = at

    def take(self) -> Counted:
        """Return what was counted since the last time."""
        taken = Counted(
            self._metrics, self._requests, self._units, self._denied, self._used, self._seconds
        )
        self._metrics, self._requests, self._units, self._denied = {}, {}, {}, {}
        self._used, self._seconds = {}, {}
        return taken


def _add(counts: dict[tuple[str, str], int], key: tuple[str, str], number: int) -> None:
    counts[key] = counts.get(key, 0) + number

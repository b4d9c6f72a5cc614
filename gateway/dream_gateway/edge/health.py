"""How an upstream does, as seen from one worker: for people, not for choosing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dream_gateway.series import latency, quantile

if TYPE_CHECKING:
    from collections.abc import Mapping

SPAN_SECONDS = 60.0
"""What is told is of the last one to two of these."""


class Seen(NamedTuple):
    """What was seen in a span: `latencies` are of some of the answers, by latency metric."""

    latencies: Mapping[str, int]
    answers: int
    errors: int
    """Answers of 500 and up, each of them."""

    failures: int
    """Connections that were not made, and those that broke off before the answer was complete."""

    seconds: float = 0.0
    """What the latencies add up to."""

    def __add__(self, other: object) -> Seen:
        """Return what was seen in both spans."""
        if not isinstance(other, Seen):
            return NotImplemented
        latencies = dict(self.latencies)
        for metric, number in other.latencies.items():
            latencies[metric] = latencies.get(metric, 0) + number
        return Seen(
            latencies,
            self.answers + other.answers,
            self.errors + other.errors,
            self.failures + other.failures,
            self.seconds + other.seconds,
        )


class Health:
    """Counts of an upstream. Used from one event loop."""

    __slots__ = (
        "_before",
        "_began",
        "_long_ago",
        "answers",
        "errors",
        "failures",
        "latencies",
        "seconds",
    )

    def __init__(self) -> None:
        self.latencies: dict[str, int] = {}
        self.answers = self.errors = self.failures = 0
        self.seconds = 0.0
        self._long_ago = self._before = Seen({}, 0, 0, 0)
        self._began = 0.0

    def answered(self, status: int, seconds: float) -> None:
        """Note one answer, of those that are noted."""
        self.answers += 1
        if status >= 500:
            self.errors += 1
        metric = latency(seconds)
        self.latencies[metric] = self.latencies.get(metric, 0) + 1
        self.seconds += seconds

    def ever(self) -> Seen:
        """Return what was seen since the beginning."""
        return self._long_ago + self._before + self._now()

    def report(self, now: float) -> dict[str, int | float | None]:
        """Return what was seen lately; times are seconds, `now` monotonic ones."""
        seen = self._before + self._now()
        told = {
            "sampled": seen.answers,
            "errors": seen.errors,
            "failures": seen.failures,
            "p50": quantile(seen.latencies, 0.5),
            "p95": quantile(seen.latencies, 0.95),
        }
        if now - self._began >= SPAN_SECONDS:
            self._begin(now)
        return told

    def _now(self) -> Seen:
        return Seen(self.latencies, self.answers, self.errors, self.failures, self.seconds)

    def _begin(self, now: float) -> None:
        self._long_ago += self._before
        self._before = self._now()
        self.latencies = {}
        self.answers = self.errors = self.failures = 0
        self.seconds = 0.0
        self._began = now

"""What a run showed, as one table for people and one document for programs.

A run may be of some parts only; the parts that it leaves out are taken over from an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from bench.load.admission import Admission  # noqa: TC001 - msgspec reads the annotations
from bench.load.curves import Point  # noqa: TC001 - msgspec reads the annotations
from bench.load.plots import label_of
from bench.load.rounds import Result  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLUMNS = (
    "server",
    "keys and counting",
    "requests/s",
    "of nginx",
    "CPU us",
    "p50 us",
    "p99 us",
    "p99.9 us",
    "MB",
    "start s",
    "failed",
    "errors of admission",
    "after kill -9",
)
NOTES = (
    "CPU is per request, over all processes of the server. Errors of admission: requests admitted"
    " above (+) or below (-) a limit of 1,000, of 5,000 asked with 64 in flight; after kill -9: the"
    " same with the server killed half-way and started again on the same state, where requests that"
    " were in flight when it died may have been charged without an answer."
)


@dataclass(frozen=True, slots=True)
class Played:
    """How the rounds were played, and how many of them count."""

    rounds: int
    kept: int
    seconds: int
    connections: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured, and on what. `missing` tells what was not, and why."""

    machine: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    played: Played | None = None
    results: list[Result] = field(default_factory=list)
    admissions: list[Admission] = field(default_factory=list)
    modes: list[Result] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def over(self, earlier: Report) -> Report:
        """Return this report with the parts it lacks taken from an earlier one."""
        ours = {point.curve for point in self.points}
        points = [point for point in earlier.points if point.curve not in ours] + self.points
        return replace(
            self,
            versions={**earlier.versions, **self.versions},
            played=self.played or earlier.played,
            results=self.results or earlier.results,
            admissions=self.admissions or earlier.admissions,
            modes=self.modes or earlier.modes,
            points=sorted(points, key=lambda each: list(TITLES).index(each.curve)),
        )


def as_json(report: Report) -> str:
    """Return everything as JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def read(path: Path) -> Report:
    """Return the report saved in a file; an empty one if there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (FileNotFoundError, msgspec.DecodeError):
        return Report()


def as_markdown(report: Report) -> str:
    """Return the table, what was missing, and the curves, as Markdown."""
    parts = []
    if report.results or report.admissions:
        parts += [table(report), NOTES + "\n"]
    if report.played:
        p = report.played
        parts.append(
            f"{p.rounds} rounds of {p.seconds:g} s, {p.kept} kept; {p.connections} connections.\n"
        )
    parts += [f"Missing: {name} ({why}).\n" for name, why in report.missing.items()]
    facts = [f"{name} {value}" for name, value in {**report.machine, **report.versions}.items()]
    if facts:
        parts.append(f"On: {', '.join(facts)}.\n")
    if report.modes:
        parts += ["## With leases, and with a ledger call for each request\n", modes_table(report)]
    for curve in dict.fromkeys(point.curve for point in report.points):
        points = [point for point in report.points if point.curve == curve]
        parts += [f"## {TITLES.get(curve, curve)}\n", curve_table(curve, points)]
    return "\n".join(parts)


def table(report: Report) -> str:
    """Return a Markdown table with a row for each server that was measured in any way."""
    results = {each.name: each for each in report.results}
    admissions = {each.name: each for each in report.admissions}
    rows = [
        (name, *_figures(results.get(name)), *_errors(admissions.get(name)))
        for name in {**results, **admissions}
    ]
    return _markdown(COLUMNS, rows)


MODES = "The ratio is strict to leased on the same store, and leased on another store to SQLite."


def modes_table(report: Report) -> str:
    """Return a Markdown table of the gateway's modes."""
    columns = (
        "job, store, mode",
        "requests/s",
        "ratio",
        "CPU us",
        "p50 us",
        "p99 us",
        "p99.9 us",
    )
    rows = [(each.name, *_load(each)) for each in report.modes]
    return _markdown(columns, rows) + "\n" + MODES + "\n"


TITLES = {
    "keys": "Keys in the store (1,000 of them, spread over it, asked with in turn; warm)",
    "connections": "Connections",
    "bodies": "Size of the answer (16 connections)",
    "uploads": "Size of the request (16 connections)",
    "workers": "Workers, all on one core (CPU is that of all of them)",
}


def curve_table(curve: str, points: Sequence[Point]) -> str:
    """Return a Markdown table of a curve."""
    columns = (curve, "server", "requests/s", "of nginx", "CPU us", "p50 us", "p99 us", "p99.9 us")
    rows = [
        (label_of(curve, point.x), point.result.name, *_load(point.result), *_weight(point.result))
        for point in points
    ]
    return _markdown((*columns, "MB", "MB, largest process", "start s", "failed"), rows)


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _figures(result: Result | None) -> tuple[str, ...]:
    if result is None:
        return ("",) * (len(COLUMNS) - 3)
    memory, _, start, failed = _weight(result)
    return (result.what, *_load(result), memory, start, failed)


def _load(r: Result) -> tuple[str, ...]:
    ratio = "" if r.ratio is None else f"{r.ratio:.2f}"
    times = (f"{each:,.0f}" for each in (r.p50, r.p99, r.p999))
    return (f"{r.rate:,.0f}", ratio, f"{r.cpu:.1f}", *times)


def _weight(r: Result) -> tuple[str, ...]:
    return (f"{r.memory_mb:.0f}", f"{r.process_mb:.0f}", f"{r.start_seconds:.2f}", f"{r.failed:,}")


def _errors(admission: Admission | None) -> tuple[str, str]:
    if admission is None:
        return ("", "")
    return (signed(admission.error), signed(admission.error_killed, admission.killed.unanswered))


def signed(error: int, unanswered: int = 0) -> str:
    """Return an error with its sign; if too little passed, with what may explain it."""
    if error < 0 and unanswered:
        return f"{error:,} ({unanswered:,} unanswered)"
    return f"{error:+,}" if error else "0"

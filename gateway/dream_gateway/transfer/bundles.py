"""Lines sorted into bundles: what belongs to one platform as a whole, or to one project."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from dream_gateway.model import Interval
from dream_gateway.transfer.parts import (
    LATEST,
    OF_A_PLATFORM,
    PARTS,
    PLATFORM,
    RECORD,
    Unfit,
    row_of,
)
from dream_gateway.transfer.report import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEAD = "export"
VERSION = 1
USAGE = "usage"
QUOTA_NAME = re.compile(r"(project-)?quota(-[1-9][0-9]{0,2})?")
MOST_UNITS = 2**53
"""Units: what every JSON reader has as a whole number."""


class Line(NamedTuple):
    """A line of an export, and where it is."""

    place: str
    fields: Mapping[str, Any]


class Row(NamedTuple):
    """A line that was read: the row of a table."""

    place: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Units used of one quota in one period. `customer` is `None` for a quota of the project's."""

    place: str
    project: str
    customer: str | None
    name: str
    interval: Interval
    start: int
    end: int | None
    used: int

    @property
    def counter(self) -> str:
        """The ledger's name of it: see `dream_gateway.subjects`."""
        owner = self.project if self.customer is None else f"{self.project}/{self.customer}"
        return f"{owner}/{self.name}/{self.interval}/{self.start}"


@dataclass(slots=True)
class Bundle:
    """What is imported together or not at all: of a project, or of a platform without its projects."""

    platform: str
    project: str | None
    rows: dict[str, list[Row]] = field(default_factory=dict)
    usage: list[UsageRow] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    @property
    def owner(self) -> str:
        """The id of what it belongs to."""
        return self.project or self.platform


class Bundles:
    """The bundles of an import, in the order in which they are to be imported."""

    def __init__(self) -> None:
        self._platforms: dict[str, Bundle] = {}
        self._projects: dict[str, Bundle] = {}
        self.stray: list[Refusal] = []
        """Refused lines that nobody's owner is known of."""

    def each(self) -> list[Bundle]:
        """Return every bundle, a platform's before those of its projects."""
        return [*self._platforms.values(), *self._projects.values()]

    def add_all(self, lines: Iterable[Line]) -> None:
        """Sort lines in, a platform and a project before what belongs to them."""
        order = [HEAD, *PARTS, USAGE]
        found = list(lines)
        known = [line for line in found if line.fields.get(RECORD) in order]
        for line in found:
            if line.fields.get(RECORD) not in order:
                self.stray.append(Refusal(line.place, "-", "is of an unknown kind"))
        for line in sorted(known, key=lambda each: order.index(each.fields[RECORD])):
            self._add(line)

    def refuse(self, refusal: Refusal) -> None:
        """Refuse what a line would have been part of, if anybody knows what that is."""
        bundle = self._projects.get(refusal.owner) or self._platforms.get(refusal.owner)
        (self.stray if bundle is None else bundle.refused).append(refusal)

    def _add(self, line: Line) -> None:
        kind = line.fields[RECORD]
        if kind == HEAD:
            if line.fields.get("version") != VERSION:
                reason = "is of another version of the format than this one reads"
                self.stray.append(Refusal(line.place, "-", reason))
            return
        bundle = self._bundle(line, kind)
        if bundle is None:
            reason = "belongs to no platform or project that is in the import"
            self.stray.append(Refusal(line.place, "-", reason))
            return
        try:
            if kind == USAGE:
                bundle.usage.append(_usage(line))
            else:
                row = row_of(PARTS[kind], line.fields)
                bundle.rows.setdefault(kind, []).append(Row(line.place, row))
        except Unfit as exc:
            bundle.refused.append(Refusal(line.place, bundle.owner, str(exc)))

    def _bundle(self, line: Line, kind: str) -> Bundle | None:
        """Return the bundle a line belongs to; a platform's and a project's own line make it."""
        if kind == PLATFORM.kind:
            name = str(line.fields.get("id"))
            return self._platforms.setdefault(name, Bundle(name, None))
        if kind == "project":
            platform, name = str(line.fields.get("platformId")), str(line.fields.get("id"))
            if platform not in self._platforms:
                return None
            return self._projects.setdefault(name, Bundle(platform, name))
        if _is_of_platform(kind):
            return self._platforms.get(str(line.fields.get("platformId")))
        return self._projects.get(str(line.fields.get("projectId")))


def _is_of_platform(kind: str) -> bool:
    return any(part.kind == kind for part in OF_A_PLATFORM)


def _usage(line: Line) -> UsageRow:
    """Return a line of usage. Raises `Unfit`."""
    values = dict(line.fields)
    values.pop(RECORD)
    names = ("projectId", "customerId", "name", "interval", "periodStart", "periodEnd", "used")
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise Unfit(f"has an unknown field {unknown[0]!r}")
    project, customer, name, interval, start, end, used = (values.get(each) for each in names)
    if not isinstance(name, str) or QUOTA_NAME.fullmatch(name) is None:
        raise Unfit("has a name that is no quota's")
    if (customer is None) != name.startswith("project-") or not isinstance(customer, str | None):
        raise Unfit("has a customer where it must have none, or none where it must have one")
    if (
        not isinstance(start, int)
        or not _is_instant(start)
        or not (end is None or _is_instant(end))
    ):
        raise Unfit("has a period that cannot be")
    if isinstance(used, bool) or not isinstance(used, int) or not 0 < used <= MOST_UNITS:
        raise Unfit("has a number of units that cannot be")
    try:
        unit = Interval(str(interval))
    except ValueError as exc:
        raise Unfit("has an interval that is none") from exc
    return UsageRow(line.place, str(project), customer, name, unit, start, end, used)


def _is_instant(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LATEST

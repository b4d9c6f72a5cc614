"""Charts as SVG, drawn on the server. Pure: numbers in, markup and the texts around it out.

The drawing is stretched to its place, so nothing in it is text: the scale, the marks below and the table
behind are HTML, which the template puts around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from dream_gateway.dashboard.formats import number, percent, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HEIGHT = 100.0
STEP = 10.0
"""The width of one bucket, and the height of the drawing, in its own units."""

GAP = 1.2
INTERVALS = 4
MOST_MARKS = 7
NOTHING = 1e-9
"""Below this a value cannot be told from zero."""

NEARLY = 0.8
"""The share of a limit from which on its bar warns."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn: a value for each bucket, `None` where nothing is known.

    `tone` is a class of the stylesheet: `first`, `second` or `third`.
    """

    name: str
    tone: str
    values: tuple[float | None, ...]

    @property
    def total(self) -> float:
        """The sum of what is known."""
        return sum(value for value in self.values if value is not None)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart and what is written around it.

    `ticks` are the scale's, from the top to zero; `marks` are of buckets at even distances; `rows` are
    those of the table behind it.
    """

    title: str
    unit: str
    svg: Markup
    ticks: tuple[str, ...]
    marks: tuple[str, ...]
    series: tuple[Series, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return not any(each.total for each in self.series)


def columns(title: str, unit: str, labels: Sequence[str], series: Sequence[Series]) -> Chart:
    """Return a chart of columns, one for each label, in which the series are stacked."""
    sums = [sum(each.values[at] or 0 for each in series) for at in range(len(labels))]
    top = ceiling(max(sums, default=0))
    return _chart(
        title, unit, labels, series, top, Markup().join(_columns(series, len(labels), top))
    )


def lines(title: str, unit: str, labels: Sequence[str], series: Sequence[Series]) -> Chart:
    """Return a chart of lines, broken where nothing is known."""
    known = [value for each in series for value in each.values if value is not None]
    top = ceiling(max(known, default=0))
    return _chart(title, unit, labels, series, top, Markup().join(_lines(series, top)))


def bar(used: float, limit: float | None, unit: str = "units", *, warns: bool = True) -> Markup:
    """Return a bar that is full at the limit, and warns near it; without a limit it is empty."""
    share = min(1.0, used / limit) if limit else float(used > 0 and limit == 0)
    tone = "fine"
    if warns and share >= NEARLY:
        tone = "over" if share >= 1 else "near"
    of = (
        f"{number(used)} of {number(limit)} {unit}"
        if limit is not None
        else f"{number(used)} {unit}"
    )
    text = f"{of} ({percent(used, limit)})" if limit else of
    return Markup(
        '<svg class="bar {}" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<title>{}</title><rect class="rail" width="100" height="6"/>'
        '<rect class="fill" width="{}" height="6"/></svg>'
    ).format(tone, text, text, f"{100 * share:.4g}")


def ceiling(value: float) -> float:
    """Return the top of a scale for values up to this one: a round number that four steps divide."""
    if value < NOTHING:
        return float(INTERVALS)
    rough = value / INTERVALS
    power = 10.0 ** floor(log10(rough))
    step = next(each for each in (1, 2, 2.5, 5, 10) if each * power >= rough * (1 - 1e-9))
    step *= power
    # A scale of whole things has whole steps.
    return INTERVALS * (ceil(step) if value >= INTERVALS or value == floor(value) else step)


def marked(count: int) -> list[int]:
    """Return the buckets whose labels are written below: the first, the last, and some between."""
    if count <= MOST_MARKS:
        return list(range(count))
    for marks in range(MOST_MARKS, 2, -1):
        if (count - 1) % (marks - 1) == 0:
            return [at * (count - 1) // (marks - 1) for at in range(marks)]
    return [at * (count - 1) // (MOST_MARKS - 2) for at in range(MOST_MARKS - 1)]


def _chart(  # noqa: PLR0917 # private, and called twice
    title: str,
    unit: str,
    labels: Sequence[str],
    series: Sequence[Series],
    top: float,
    drawing: Markup,
) -> Chart:
    count = len(labels)
    rows = tuple(
        (label, tuple(_cell(each.values[at]) for each in series)) for at, label in enumerate(labels)
    )
    svg = Markup(
        '<svg class="plot" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        "{}{}{}</svg>"
    ).format(
        f"{STEP * count:.4g}", f"{HEIGHT:.4g}", _summary(title, unit, labels, series),
        _grid(count), drawing, Markup().join(_hovers(rows, series, unit)),
    )  # fmt: skip
    ticks = tuple(short(top * at / INTERVALS) for at in range(INTERVALS, -1, -1))
    marks = tuple(labels[at] for at in marked(count))
    return Chart(title, unit, svg, ticks, marks, tuple(series), rows)


def _columns(series: Sequence[Series], count: int, top: float) -> Iterator[Markup]:
    bases = [0.0] * count
    for each in series:
        shapes = []
        for at, value in enumerate(each.values):
            if value:
                height = HEIGHT * value / top
                bases[at] += height
                left, width = STEP * at + GAP, STEP - 2 * GAP
                shapes.append(
                    f"M{left:.6g} {HEIGHT - bases[at]:.4g}h{width:.4g}v{height:.4g}h-{width:.4g}z"
                )
        yield Markup('<path class="{}" d="{}"/>').format(each.tone, "".join(shapes))


def _lines(series: Sequence[Series], top: float) -> Iterator[Markup]:
    for each in series:
        parts, pen = [], "M"
        for at, value in enumerate(each.values):
            if value is None:
                pen = "M"
                continue
            x, y = STEP * (at + 0.5), HEIGHT - HEIGHT * value / top
            parts.append(f"{pen}{x:.6g} {y:.4g}")
            if pen == "M":
                parts.append("h.01")  # So that a single value is a point.
            pen = "L"
        yield Markup('<path class="line {}" d="{}"/>').format(each.tone, "".join(parts))


def _grid(count: int) -> Markup:
    width = f"{STEP * count:.4g}"
    heights = [HEIGHT * at / INTERVALS for at in range(INTERVALS + 1)]
    path = "".join(f"M0 {height:.4g}H{width}" for height in heights)
    return Markup('<path class="grid" d="{}"/>').format(path)


def _hovers(
    rows: Sequence[tuple[str, tuple[str, ...]]], series: Sequence[Series], unit: str
) -> Iterator[Markup]:
    for at, (label, cells) in enumerate(rows):
        said = ", ".join(
            f"{cell} {each.name.lower()}" for each, cell in zip(series, cells, strict=True)
        )
        yield Markup(
            '<rect class="hover" x="{}" width="{}" height="{}"><title>{}</title></rect>'
        ).format(f"{STEP * at:.6g}", f"{STEP:.4g}", f"{HEIGHT:.4g}", f"{label}: {said} ({unit})")


def _summary(title: str, unit: str, labels: Sequence[str], series: Sequence[Series]) -> Markup:
    """Return what a screen reader says of the drawing; the table has the rest."""
    span = f", {labels[0]} to {labels[-1]}" if labels else ""
    most = [
        f"{each.name.lower()} at most {_cell(max(known))}"
        for each in series
        if (known := [value for value in each.values if value is not None])
    ]
    return escape(f"{title} in {unit}{span}: {'; '.join(most) or 'no data'}.")


def _cell(value: float | None) -> str:
    return "-" if value is None else number(value)

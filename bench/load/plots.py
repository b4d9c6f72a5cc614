"""Bars and curves as SVG that can be read on light and dark pages."""

from __future__ import annotations

from html import escape
from math import log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.load.curves import Point
    from bench.load.rounds import Result

OURS, THEIRS, LINE = "#2f7ed8", "#9aa5b1", "#8885"
OURS_TOO, THEIRS_TOO = "#1aa179", "#c9a227"
BAR, GAP, LEFT, WIDTH = 22, 10, 230, 760
PANEL_WIDTH, PANEL_HEIGHT = 380, 250
MARGIN_LEFT, MARGIN_TOP, MARGIN_RIGHT, MARGIN_BOTTOM = 62, 52, 26, 34
MINUTE_FRACTION = 1e-9


def bars(results: Sequence[Result]) -> str:
    """Return a bar chart of requests a second, one group for each job."""
    ordered = sorted(results, key=lambda each: each.job)
    most = {r.job: max(o.rate for o in results if o.job == r.job) for r in results}
    titles = {"answer": "answered by the server itself", "proxy": "proxied, 1 KB from the same API"}
    parts: list[str] = []
    top = GAP
    for number, each in enumerate(ordered):
        if number == 0 or ordered[number - 1].job != each.job:
            title = escape(f"Requests a second, {titles.get(each.job, each.job)}")
            parts.append(f'<text x="8" y="{top + 15}" font-weight="bold">{title}</text>')
            top += BAR + GAP
        parts += _bar(each, top, each.rate / most[each.job])
        top += BAR + GAP
    return _svg(WIDTH, top, "Requests a second", parts)


def _bar(result: Result, top: int, share: float) -> list[str]:
    length = max(1, round(share * (WIDTH - LEFT - 90)))
    colour = OURS if _is_ours(result.name) else THEIRS
    middle = top + BAR / 2 + 5
    return [
        f'<text x="{LEFT - 8}" y="{middle:g}" text-anchor="end">{escape(result.name)}</text>',
        f'<rect x="{LEFT}" y="{top}" width="{length}" height="{BAR}" fill="{colour}"/>',
        f'<text x="{LEFT + length + 6}" y="{middle:g}">{result.rate:,.0f}/s</text>',
    ]


def panels(points: Sequence[Point]) -> str:
    """Return the curves side by side, two in a row: requests a second, or CPU over workers."""
    names = list(dict.fromkeys(point.curve for point in points))
    parts: list[str] = []
    for at, name in enumerate(names):
        x, y = at % 2 * PANEL_WIDTH, at // 2 * PANEL_HEIGHT
        parts.append(f'<g transform="translate({x} {y})">')
        parts += _panel(name, [point for point in points if point.curve == name])
        parts.append("</g>")
    height = (len(names) + 1) // 2 * PANEL_HEIGHT
    return _svg(PANEL_WIDTH * 2, height, "Growth curves", parts)


class _Scale:
    """Logarithmic from the least to the most decade; for y, upwards."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        logs = [log10(max(value, MINUTE_FRACTION)) for value in values]
        self._low, high = min(logs), max(logs)
        self._span = (high - self._low) or 1.0
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        share = (log10(max(value, MINUTE_FRACTION)) - self._low) / self._span
        return round(self._start + share * (self._end - self._start), 1)


def _panel(name: str, points: Sequence[Point]) -> list[str]:
    is_cost = name == "workers"
    unit = "CPU us a request" if is_cost else "requests/s"
    values = {id(p): p.result.cpu if is_cost else p.result.rate for p in points}
    bounds = _decades(list(values.values()))
    along = _Scale([p.x for p in points], MARGIN_LEFT, PANEL_WIDTH - MARGIN_RIGHT)
    up = _Scale(bounds, PANEL_HEIGHT - MARGIN_BOTTOM, MARGIN_TOP)
    parts = [
        f'<text x="{MARGIN_LEFT}" y="18" font-weight="bold">{escape(f"{name}: {unit}")}</text>'
    ]
    parts += [_grid(up(each), each) for each in bounds]
    for x in dict.fromkeys(p.x for p in points):
        label = f'y="{PANEL_HEIGHT - 14}" text-anchor="middle"'
        parts.append(f'<text x="{along(x)}" {label}>{label_of(name, x)}</text>')
    for at, server in enumerate(dict.fromkeys(p.result.name for p in points)):
        spots = [(along(p.x), up(values[id(p)])) for p in points if p.result.name == server]
        colours = (OURS, OURS_TOO) if _is_ours(server) else (THEIRS, THEIRS_TOO)
        parts += _line(server, spots, colours[at // 2 % 2], at)
    return parts


def _line(server: str, spots: Sequence[tuple[float, float]], colour: str, at: int) -> list[str]:
    path = " ".join(f"{x:g},{y:g}" for x, y in spots)
    x, y = MARGIN_LEFT + at % 2 * 160, 33 + at // 2 * 14
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{a:g}" cy="{b:g}" r="3" fill="{colour}"/>' for a, b in spots),
        f'<text x="{x}" y="{y}" font-size="11" fill="{colour}">{escape(server)}</text>',
    ]


def _grid(y: float, value: float) -> str:
    end = PANEL_WIDTH - MARGIN_RIGHT
    return (
        f'<line x1="{MARGIN_LEFT}" x2="{end}" y1="{y:g}" y2="{y:g}" stroke="{LINE}"/>'
        f'<text x="{MARGIN_LEFT - 6}" y="{y + 4:g}" text-anchor="end">{_short(value)}</text>'
    )


def _decades(values: Sequence[float]) -> list[float]:
    """Return the powers of ten that hold the values between them."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = 1.0, 1.0
    while low > min(positive):
        low /= 10
    while low * 10 <= min(positive):
        low *= 10
    high = low * 10
    found = [low, high]
    while found[-1] < max(positive):
        found.append(found[-1] * 10)
    return found


def label_of(curve: str, x: int) -> str:
    """Return a place of a curve as people name it: bytes in powers of 1,024."""
    if curve not in ("bodies", "uploads"):
        return f"{x:,}" if x < 10_000 else _short(x)
    size, unit = (x >> 20, "MB") if x >= 1 << 20 else (x >> 10, "KB")
    return f"{size} {unit}"


def _short(value: float) -> str:
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:g}"


def _is_ours(name: str) -> bool:
    return name.startswith("dream-gateway")


def _svg(width: int, height: int, label: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' font-family="sans-serif" font-size="13" fill="#888" role="img" aria-label="{label}">'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"

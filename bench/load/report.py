"""What the rounds showed, for people, programs and the README."""

from __future__ import annotations

import json
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.load.rounds import Result

BAR, GAP, LEFT, WIDTH = 22, 10, 230, 760


def table(results: Sequence[Result]) -> str:
    """Return a Markdown table."""
    lines = [
        "| server | keys and counting | requests/s | of nginx | CPU us | p50 us | p99 us | p99.9 us"
        " | MB | start s | failed |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        ratio = "" if r.ratio is None else f"{r.ratio:.2f}"
        lines.append(
            f"| {r.name} | {r.what} | {r.rate:,.0f} | {ratio} | {r.cpu:.1f} | {r.p50:,.0f} |"
            f" {r.p99:,.0f} | {r.p999:,.0f} | {r.memory_mb:.0f} | {r.start_seconds:.2f} |"
            f" {r.failed} |"
        )
    return "\n".join(lines) + "\n"


def as_json(results: Sequence[Result]) -> str:
    """Return everything as JSON."""
    return json.dumps([asdict(each) for each in results], indent=2) + "\n"


def plot(results: Sequence[Result]) -> str:
    """Return a bar chart as SVG; it is readable on light and dark pages."""
    most = max(each.rate for each in results)
    height = GAP + len(results) * (BAR + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="13" fill="#888" role="img"'
        ' aria-label="Requests a second">'
    ]
    for number, each in enumerate(results):
        top = GAP + number * (BAR + GAP)
        length = max(1, round(each.rate / most * (WIDTH - LEFT - 90)))
        colour = "#2f7ed8" if each.name.startswith("dream-gateway") else "#9aa5b1"
        middle = top + BAR / 2 + 5
        parts += [
            f'<text x="{LEFT - 8}" y="{middle:g}" text-anchor="end">{escape(each.name)}</text>',
            f'<rect x="{LEFT}" y="{top}" width="{length}" height="{BAR}" fill="{colour}"/>',
            f'<text x="{LEFT + length + 6}" y="{middle:g}">{each.rate:,.0f}/s</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"

"""Adds lines beside the one line of a configuration that says where they belong."""

from __future__ import annotations

import re
import textwrap

from dream_gateway.integrate.plan import UnsafeError


def beside(text: str, anchor: str, lines: str, *, before: bool = False) -> str:
    """Return `text` with `lines` after the one line that `anchor` matches, or before it.

    They are indented as that line is. Raises `UnsafeError` unless exactly one line matches.
    """
    found = list(re.finditer(rf"(?m)^([ \t]*){anchor}[ \t]*$\n?", text))
    if len(found) != 1:
        raise UnsafeError(f"has {len(found)} places where the lines could belong")
    (match,) = found
    block = textwrap.indent(lines.rstrip("\n") + "\n", match[1])
    place = match.start() if before else match.end()
    if not before and not match[0].endswith("\n"):
        block = f"\n{block}"
    return text[:place] + block + text[place:]

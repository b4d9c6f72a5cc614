"""Parameters as Stripe's clients spell them: `items[0][price]=price_1` in a form or a query."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

_PART = re.compile(r"\[([^\[\]]*)\]")


def read_form(text: str) -> dict[str, Any]:
    """Return what a form says: texts in objects and lists. A list's items are numbered from zero."""
    root: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        name, _, rest = key.partition("[")
        path = [name, *_PART.findall(f"[{rest}")] if rest else [name]
        _put(root, path, value)
    return {name: _listed(value) for name, value in root.items()}


def _put(root: dict[str, Any], path: list[str], value: str) -> None:
    place = root
    for name in path[:-1]:
        inner = place.setdefault(name or str(len(place)), {})
        if not isinstance(inner, dict):
            return
        place = inner
    place[path[-1] or str(len(place))] = value


def _listed(value: Any) -> Any:
    """Make lists of objects whose names are numbers."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner

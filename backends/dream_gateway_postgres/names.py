"""Names as PostgreSQL can store them: any text but one with a zero character, which is escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ESCAPE = "\x1b"
ZERO = "\x00"


def stored(name: str) -> str:
    """Return a name for the database; different names stay different."""
    if ZERO in name or ESCAPE in name:
        return name.replace(ESCAPE, ESCAPE * 2).replace(ZERO, f"{ESCAPE}0")
    return name


def original(name: str) -> str:
    """Return the name that `stored` was given."""
    if ESCAPE in name:
        return re.sub(f"{ESCAPE}(.)", lambda found: ZERO if found[1] == "0" else ESCAPE, name)
    return name


def all_stored(names: Iterable[str]) -> list[str]:
    """Return names for the database."""
    return [stored(name) for name in names]

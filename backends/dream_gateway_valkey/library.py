"""The ledger's functions: Lua files put together, under names that end in their own version."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

FILES = ("gcra.lua", "books.lua", "leases.lua", "events.lua", "history.lua", "library.lua")
"""In this order: each uses what those before it define."""

VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Library:
    """`source` is what `FUNCTION LOAD` takes; `version` is a digest of it, and ends every name."""

    source: str
    version: str

    def name(self, verb: str) -> str:
        """Return a function's name."""
        return f"dream_{verb}_{self.version}"


def load() -> Library:
    """Read the files. Libraries that differ have different names, so versions live side by side."""
    folder = files("dream_gateway_valkey")
    text = "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in FILES)
    version = sha256(text.encode()).hexdigest()[:VERSION_DIGITS]
    body = text.replace("'_VERSION'", f"'_{version}'")
    return Library(f"#!lua name=dream_gateway_{version}\n{body}", version)

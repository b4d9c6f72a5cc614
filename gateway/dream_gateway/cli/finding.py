"""What a check of `dream-gateway doctor` has to say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; an `advice` means that something is wrong."""

    name: str
    detail: str
    advice: str = ""

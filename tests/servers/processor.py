"""What of the machine's processor somebody took, whatever else wants it meanwhile."""

from __future__ import annotations

import os
from pathlib import Path


def seconds_of(pid: int) -> float:
    """Return the seconds that a process took so far, with all that it started (Linux, proc(5))."""
    ticks = sum(_ticks(each) for each in _family(pid))
    return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    """Those of its children who have ended are in it, so that the sum never shrinks."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, line.rpartition(")")[2].split()[11:15]))


def _family(pid: int) -> list[int]:
    found = [pid]
    for each in found:  # It grows meanwhile.
        for listed in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += map(int, listed.read_text().split())
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found

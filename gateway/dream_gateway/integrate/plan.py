"""What is to be done to a project: files to write, lines to add by hand, and what comes after.

A project is a tree: the texts of its files by their paths, which are relative and have slashes.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class UnsafeError(Exception):
    """A file that cannot be changed with certainty; the message says why, after its path."""


def only(paths: Sequence[str]) -> str:
    """Return the one path; raises `UnsafeError` if there is another number of them."""
    if len(paths) != 1:
        raise UnsafeError(f"is not certain: {', '.join(paths) or 'none was found'}")
    return paths[0]


@dataclass(frozen=True, slots=True)
class Change:
    """A file as it is, `None` if it is not there, and as it is to be."""

    path: str
    before: str | None
    after: str

    def diff(self) -> str:
        """Return a unified diff, which `patch -p1` takes."""
        old = "/dev/null" if self.before is None else f"a/{self.path}"
        lines = difflib.unified_diff(
            (self.before or "").splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            old,
            f"b/{self.path}",
        )
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )


@dataclass(frozen=True, slots=True)
class ByHand:
    """Lines that somebody has to add to a file, and why they were not added.

    `kept`: a file of the gateway's own that somebody has changed, which guards as it is.
    """

    path: str
    why: str
    lines: str
    kept: bool = False


@dataclass(slots=True)
class Plan:
    """All of it, for one framework. `steps` are what is left to do when the files are right."""

    framework: str
    changes: list[Change] = field(default_factory=list)
    by_hand: list[ByHand] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    @property
    def is_unplaced(self) -> bool:
        """Whether the API is not guarded before somebody adds lines."""
        return any(not hand.kept for hand in self.by_hand)

    def add(self, tree: Mapping[str, str], path: str, text: str) -> None:
        """Plan a file of the gateway's own; one that is there and differs is left as it is."""
        before = tree.get(path)
        if before is None:
            self.changes.append(Change(path, None, text))
        elif before != text:
            why = "is there already, and not as it would be written"
            self.by_hand.append(ByHand(path, why, text, kept="dream-gateway" in before))

    def change(self, path: str, before: str, after: str) -> None:
        """Plan a change of a file of the project's, if it is one."""
        if after != before:
            self.changes.append(Change(path, before, after))

"""Tables of what was survived, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.nodes import Company
    from chaos.trial import Trial


def company_table(rows: Sequence[Company]) -> str:
    """Return the table of many nodes."""
    head = ("store", "processes", "limit", "admitted", "counted", "upgrade s", "revocation s", "")
    lines = [
        (
            row.place, row.processes, f"{row.limit:,}", f"{row.admitted:,}", f"{row.counted:,}",
            f"{row.upgrade:.2f}", f"{row.revocation:.2f}", "exact" if row.is_right else "WRONG",
        )
        for row in rows
    ]  # fmt: skip
    return _table(head, lines)


def trial_table(rows: Sequence[Trial]) -> str:
    """Return the table of faults."""
    head = (
        "store", "fault", "limit", "admitted", "counted", "unanswered", "refused", "recovery s",
        "held",
    )  # fmt: skip
    lines = [
        (
            row.place, row.fault, f"{row.limit:,}", f"{row.answers.admitted:,}", f"{row.counted:,}",
            f"{row.answers.unanswered:,}",
            ", ".join(f"{many:,} x {code}" for code, many in row.answers.refused.items()) or "none",
            f"{row.recovery:.1f}", "; ".join(row.broken) or "all",
        )
        for row in rows
    ]  # fmt: skip
    return _table(head, lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)

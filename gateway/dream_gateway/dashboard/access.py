"""Who may see which page of the dashboard, as one table: read off the pages themselves."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from dream_gateway.dashboard.page import Who
from dream_gateway.model import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dream_gateway.dashboard.page import Page


class Visitor(StrEnum):
    """Somebody with a session, or without."""

    NOBODY = "nobody"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"
    OPERATOR = "operator"


ROLES = {Visitor.MEMBER: Role.MEMBER, Visitor.ADMIN: Role.ADMIN, Visitor.OWNER: Role.OWNER}

_INTRODUCTION = """
## Pages of the dashboard

Made from the pages' own definitions (`dream_gateway.dashboard.access`), and driven by a test, too. A
session is a cookie that no script reads (`HttpOnly`, `SameSite=Lax`; over https `__Host-` and `Secure`).
Who is not signed in is sent to do so; a project that is not theirs is not there: 404. Every POST needs
the token that is in the page's own forms, and has to come from the service's own origin: else it is 403,
and nothing is changed. What it changes, it changes by the operations above, which check the role again.
"""


def allows(page: Page, visitor: Visitor) -> bool:
    """Return whether somebody may see a page, or send its form, about what is theirs."""
    if page.who is Who.ANYBODY:
        return True
    if page.who is Who.OPERATOR:
        return visitor is Visitor.OPERATOR
    ranks = list(Role)
    return visitor in ROLES and ranks.index(ROLES[visitor]) >= ranks.index(page.least)


def markdown(pages: Iterable[Page]) -> str:
    """Return the table as a section of the page about access."""
    lines = [
        _INTRODUCTION,
        f"| page | {' | '.join(Visitor)} |",
        f"|---|{'---|' * len(Visitor)}",
    ]
    for page in sorted(pages, key=lambda page: (page.path, page.method)):
        cells = " | ".join("yes" if allows(page, visitor) else "-" for visitor in Visitor)
        lines.append(f"| `{page.method} {page.path}` | {cells} |")
    return "\n".join(lines) + "\n"

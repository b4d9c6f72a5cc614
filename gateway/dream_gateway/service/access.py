"""Who may call what, as one table: read off the operations themselves."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from dream_gateway.model import Role
from dream_gateway.service.authentication import Auth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dream_gateway.service.operation import Operation


class Holder(StrEnum):
    """Somebody with a credential, or without."""

    NOBODY = "nobody"
    CUSTOMER_KEY = "customer key"
    PUBLISHABLE = "publishable key"
    USER = "publishable key and token"
    SECRET = "secret key"  # noqa: S105 # a column's name
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"
    OPERATOR = "operator"


_AUTHS: dict[Holder, frozenset[Auth]] = {
    Holder.NOBODY: frozenset(),
    Holder.CUSTOMER_KEY: frozenset(),
    Holder.PUBLISHABLE: frozenset({Auth.PUBLISHABLE}),
    Holder.USER: frozenset({Auth.PUBLISHABLE, Auth.USER}),
    Holder.SECRET: frozenset({Auth.SECRET}),
    Holder.MEMBER: frozenset({Auth.PLATFORM}),
    Holder.ADMIN: frozenset({Auth.PLATFORM}),
    Holder.OWNER: frozenset({Auth.PLATFORM}),
    Holder.OPERATOR: frozenset({Auth.OPERATOR}),
}
ROLES = {Holder.MEMBER: Role.MEMBER, Holder.ADMIN: Role.ADMIN, Holder.OWNER: Role.OWNER}
"""What the holders of a developer's token may do on the platform that they mean."""

_INTRODUCTION = """\
# Access

Which credential may call which route of the service. This page is made from the same definitions that
let requests in (`dream_gateway.service.access`), and a test drives every cell of it. A developer's
token is of a member, an admin or an owner of the platform that is meant; see
[the credentials](api.md#credentials).

Whoever is not let in gets 401 without a credential that is known, and 403 with one. Whatever belongs
to somebody else is not there: 404.
"""


def allows(operation: Operation, holder: Holder) -> bool:
    """Return whether somebody may call an operation, on what is theirs."""
    if not operation.auth:
        return True
    if operation.auth.isdisjoint(_AUTHS[holder]):
        return False
    ranks = list(Role)
    role = ROLES.get(holder, Role.OWNER)
    return ranks.index(role) >= ranks.index(operation.least)


def markdown(operations: Sequence[Operation]) -> str:
    """Return the table as a page."""
    lines = [
        _INTRODUCTION,
        f"| route | {' | '.join(Holder)} |",
        f"|---|{'---|' * len(Holder)}",
    ]
    for each in operations:
        cells = " | ".join("yes" if allows(each, holder) else "-" for holder in Holder)
        lines.append(f"| `{each.method} {each.path}` | {cells} |")
    return "\n".join(lines) + "\n"

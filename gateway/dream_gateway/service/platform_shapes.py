"""What the endpoints about platforms, their members and the audit log read and write."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Annotated, Any

from msgspec import Meta

from dream_gateway.model import Role  # noqa: TC001 # and this
from dream_gateway.service.values import DEFAULT_PAGE, Cursor, Email, PageSize, Shape, Text

Name = Annotated[Text, Meta(min_length=1)]


class SignUp(Shape):
    """What the developer's platform is to be called; the name it has stays without one."""

    name: Name | None = None


class PlatformChange(Shape):
    """What the platform is to be called."""

    name: Name


class PlatformView(Shape):
    """A platform: one developer's business, apart from every other's.

    The operator's word is `suspended`; `unpaid` is that its plan is not paid. Either has it refused.
    """

    id: str
    name: str
    suspended: bool
    unpaid: bool
    created_at: datetime


class DeveloperView(Shape):
    """The developer who asks."""

    id: str
    email: str | None
    first_name: str | None
    last_name: str | None
    created_at: datetime


class PlatformAnswer(Shape):
    """A platform, and what the caller may do with it; the operator is no developer."""

    platform: PlatformView
    developer: DeveloperView | None
    role: Role


class StandingView(Shape):
    """A platform that the developer has a part in."""

    platform: PlatformView
    role: Role


class StandingList(Shape):
    """Every platform that the developer has a part in, the one they had for longest first."""

    data: list[StandingView]


class PageQuery(Shape):
    """Which page to list."""

    limit: PageSize = DEFAULT_PAGE
    cursor: Cursor | None = None


class PlatformPage(Shape):
    """A page of platforms, oldest first."""

    data: list[PlatformView]
    next_cursor: str | None
    has_more: bool


class Invitation(Shape):
    """Whom to let in, as soon as they sign in with this address, verified."""

    email: Email
    role: Role


class MemberChange(Shape):
    """What the member may do from now on."""

    role: Role


class MemberView(Shape):
    """A member. `developerId` is `null` until the one who was invited signs in."""

    id: str
    developer_id: str | None
    email: str | None
    role: Role
    created_at: datetime


class MemberPage(Shape):
    """A page of members, oldest first."""

    data: list[MemberView]
    next_cursor: str | None
    has_more: bool


class AuditView(Shape):
    """One change: who (`actor`, an id) did what (`action`) to what (`object`, an id)."""

    at: datetime
    actor: str
    action: str
    object: str
    project_id: str | None
    request_id: str | None
    details: dict[str, Any]


class AuditPage(Shape):
    """A page of the audit log, newest first."""

    data: list[AuditView]
    next_cursor: str | None
    has_more: bool

"""Who owns what: platforms, the developers who work on them, and their projects."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from dream_gateway.model.allowances import Alignment, Allowance


class Mode(StrEnum):
    """Whether a project's keys and data are for trying out or for real; the two share nothing."""

    TEST = "test"
    LIVE = "live"


class ProjectType(StrEnum):
    """What a project sells: access by subscription, or products."""

    SAAS = "saas"
    STORE = "store"


class Role(StrEnum):
    """What a developer may do with a platform: each may do what those before it may.

    A member looks; an admin changes projects and keys; an owner decides about members too.
    """

    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Branding:
    """How a project's own pages look. `colours` are `#rrggbb` by what they are for."""

    display_name: str = ""
    colours: dict[str, str] = field(default_factory=dict)
    logo_url: str | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """One developer's business: what it owns is apart from every other's.

    The operator's word is `suspended`; `unpaid` is that it does not pay the operator's plan.
    """

    id: str
    name: str
    created_at: float
    suspended: bool = False
    unpaid: bool = False


@dataclass(frozen=True, slots=True)
class Developer:
    """Somebody who owns or works on platforms, as their identity provider names them."""

    id: str
    issuer: str
    subject: str
    created_at: float
    email: str | None = None
    email_verified: bool = False
    first_name: str | None = None
    last_name: str | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """A developer's part in a platform; `developer_id` is `None` until the one invited signs in."""

    id: str
    platform_id: str
    developer_id: str | None
    email: str | None
    role: Role
    created_at: float


@dataclass(frozen=True, slots=True)
class Project:
    """One API of one platform, in one mode. `allowances` are shared by all of its customers.

    `origins` are the web origins (RFC 6454) whose pages may use the publishable key, and where
    people may be sent back to. `promoted_from` is the test project a live one was last made from.
    """

    id: str
    platform_id: str
    name: str
    mode: Mode
    default_tier: str
    alignment: Alignment = Alignment.ANNIVERSARY
    allowances: tuple[Allowance, ...] = ()
    suspended: bool = False
    created_at: float = 0.0
    type: ProjectType = ProjectType.SAAS
    origins: tuple[str, ...] = ()
    branding: Branding = field(default_factory=Branding)
    promoted_from: str | None = None
    deleted_at: float | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, for the audit log: the id of a key or a developer, or a word for others.

    `request` is the id of the request that asked for it, `None` where there was none.
    """

    id: str
    request: str | None = None

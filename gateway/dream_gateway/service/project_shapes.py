"""What the endpoints about projects and their own keys read and write."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from dream_gateway.model import (  # and these
    Alignment,
    KeyStatus,
    Mode,
    ProjectType,
)
from dream_gateway.service.values import (
    DEFAULT_PAGE,
    END,
    Cursor,
    Instant,
    PageSize,
    Shape,
    Text,
    TierName,
    WebUrl,
)

Name = Annotated[Text, Meta(min_length=1)]
Origin = Annotated[
    str,
    Meta(min_length=1, max_length=255, description="A web origin, such as `https://example.com`."),
]
Origins = Annotated[list[Origin], Meta(max_length=50)]
Colour = Annotated[str, Meta(pattern="^#[0-9A-Fa-f]{6}" + END)]
ColourUse = Annotated[str, Meta(min_length=1, max_length=32, pattern="^[a-z][A-Za-z0-9]*" + END)]
Colours = Annotated[
    dict[ColourUse, Colour],
    Meta(max_length=20, description="`#rrggbb` by use: `primary`, `background`, `text`."),
]


class BrandingShape(Shape):
    """How the project's own pages look."""

    display_name: Text = ""
    colours: Colours = field(default_factory=dict)
    logo_url: WebUrl | None = None


class NewProject(Shape):
    """A project to create. `defaultTier` names the tier that new customers are on, once it is there."""

    name: Name
    type: ProjectType = ProjectType.SAAS
    mode: Mode = Mode.TEST
    default_tier: TierName = "free"
    alignment: Alignment = Alignment.ANNIVERSARY
    origins: Origins = field(default_factory=list)
    branding: BrandingShape = field(default_factory=BrandingShape)


class ProjectChange(Shape):
    """What to change of a project; what is left out stays as it is."""

    name: Name | UnsetType = UNSET
    type: ProjectType | UnsetType = UNSET
    default_tier: TierName | UnsetType = UNSET
    alignment: Alignment | UnsetType = UNSET
    origins: Origins | UnsetType = UNSET
    branding: BrandingShape | UnsetType = UNSET


class ProjectView(Shape):
    """A project. `promotedFrom` is the test project that a live one was made from."""

    id: str
    platform_id: str
    name: str
    type: ProjectType
    mode: Mode
    default_tier: str
    alignment: Alignment
    publishable_key: str | None
    origins: list[str]
    branding: BrandingShape
    promoted_from: str | None
    suspended: bool
    created_at: datetime
    deleted_at: datetime | None


class ProjectAnswer(Shape, omit_defaults=True):
    """A project just made. `secretKey` is shown here and never again.

    There is none in a replay of the request (`replayed`), or where the project was there before.
    """

    project: ProjectView
    secret_key: str | None = None
    replayed: bool = False


class ProjectQuery(Shape):
    """Which projects to list: those that are there, or those that are deleted."""

    limit: PageSize = DEFAULT_PAGE
    cursor: Cursor | None = None
    deleted: bool = False


class ProjectPage(Shape):
    """A page of projects, oldest first."""

    data: list[ProjectView]
    next_cursor: str | None
    has_more: bool


class NewCredential(Shape):
    """A secret key to create."""

    name: Text = ""
    expires_at: Instant | None = None


class CredentialView(Shape):
    """One of the project's own keys. `masked` is what people can tell it by.

    `lastUsedAt` is of a secret key, and true to about a minute.
    """

    key_id: str
    kind: Literal["sk", "pk"]
    name: str
    masked: str
    status: KeyStatus
    expires_at: datetime | None
    created_at: datetime
    last_used_at: datetime | None


class CredentialSecret(CredentialView, omit_defaults=True):
    """A key just made. `key` is shown here and never again; a replay (`replayed`) has none."""

    key: str | None = None
    replayed: bool = False


class CredentialPage(Shape):
    """A page of the project's own keys, oldest first, revoked ones too."""

    data: list[CredentialView]
    next_cursor: str | None
    has_more: bool

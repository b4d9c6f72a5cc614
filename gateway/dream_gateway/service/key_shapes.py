"""What the key endpoints read and write."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from dream_gateway.model import Interval, KeyStatus  # noqa: TC001 # msgspec reads the annotations
from dream_gateway.service.values import (
    DEFAULT_PAGE,
    END,
    MAX_GRACE_SECONDS,
    Cidrs,
    Cursor,
    Instant,
    Metadata,
    PageSize,
    Scopes,
    Shape,
    Text,
)

RateLimit = Annotated[int, Meta(ge=1, le=1_000_000_000, description="Units per interval.")]


Digest = Annotated[
    str, Meta(pattern="^[0-9a-f]{64}" + END, description="SHA-256 of a whole key, in hexadecimal.")
]
Last4 = Annotated[str, Meta(max_length=4, pattern="^[!-~]*" + END)]


class RateShape(Shape):
    """A rate: `limit` units per `interval`, `burst` of them at once (default: `limit`)."""

    limit: RateLimit
    interval: Literal["second", "minute", "hour", "day"]
    burst: RateLimit | None = None


class RateView(Shape):
    """A rate in force: `limit` units per `interval`, `burst` of them at once."""

    limit: int
    interval: Interval
    burst: int | None


class NewKey(Shape):
    """A key to create. `allowedIps` empty: from anywhere. `rate`: beside the customer's own.

    `digest` is for a key that the customer has already; `last4` are its last characters, for people.
    """

    name: Text = ""
    scopes: Scopes = field(default_factory=list)
    expires_at: Instant | None = None
    allowed_ips: Cidrs = field(default_factory=list)
    rate: RateShape | None = None
    metadata: Metadata = field(default_factory=dict)
    digest: Digest | None = None
    last4: Last4 = ""


class KeyChange(Shape):
    """What to change of a key; what is left out stays as it is. `null` removes an end or a rate."""

    name: Text | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    status: Literal["active", "disabled"] | UnsetType = UNSET
    expires_at: Instant | UnsetType | None = UNSET
    allowed_ips: Cidrs | UnsetType = UNSET
    rate: RateShape | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET


class Rotation(Shape):
    """For how many seconds the old secret goes on working."""

    grace_seconds: Annotated[int, Meta(ge=0, le=MAX_GRACE_SECONDS)] = 0


class KeyView(Shape):
    """A key, without its secret, which is not kept. `lastUsedAt` is true to about a minute."""

    key_id: str
    customer_id: str | None
    name: str
    prefix: str
    last4: str
    scopes: list[str]
    status: KeyStatus
    expires_at: datetime | None
    allowed_ips: list[str]
    rate: RateView | None
    metadata: dict[str, Any]
    created_at: datetime
    last_used_at: datetime | None


class KeySecret(KeyView, omit_defaults=True):
    """A key just made. `key` is its secret: it is shown here and never again.

    A replay of the request (`replayed`) has no `key`, nor has a key that came as a digest.
    """

    key: str | None = None
    replayed: bool = False


class KeyQuery(Shape):
    """Which page of keys to list."""

    limit: PageSize = DEFAULT_PAGE
    cursor: Cursor | None = None


class KeyPage(Shape):
    """A page of keys, oldest first, revoked ones too."""

    data: list[KeyView]
    next_cursor: str | None
    has_more: bool

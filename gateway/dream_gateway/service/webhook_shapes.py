"""What the routes of webhook endpoints and their messages read and write."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from dream_gateway.records.messages import (  # noqa: TC001 # and these
    DispatchStatus,
    EndpointStatus,
)
from dream_gateway.service.values import (
    DEFAULT_PAGE,
    MAX_GRACE_SECONDS,
    Cursor,
    Instant,
    ObjectId,
    PageSize,
    Shape,
    Text,
    WebUrl,
)

DAY_SECONDS = 86_400

Type = Literal["customer.created", "subscription.changed", "usage.threshold", "key.revoked"]
Types = Annotated[list[Type], Meta(max_length=16, description="What it is told; empty: all.")]
Sent = Annotated[str, Meta(max_length=64, description="The type of a message.")]


class NewEndpoint(Shape):
    """Where to send messages: an https URL that anybody could reach."""

    url: WebUrl
    types: Types = field(default_factory=list)
    description: Text = ""


class EndpointChange(Shape):
    """What to change of an endpoint; what is left out stays as it is.

    An endpoint that is disabled is sent nothing; what it missed can be replayed.
    """

    url: WebUrl | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    status: Literal["enabled", "disabled"] | UnsetType = UNSET


class SecretRotation(Shape):
    """For how many seconds messages are signed with the old secret as well."""

    grace_seconds: Annotated[int, Meta(ge=0, le=MAX_GRACE_SECONDS)] = DAY_SECONDS


class Replay(Shape):
    """What to send again: these messages whatever became of them, or what was missed in a time.

    With nothing said, whatever was missed of what is kept.
    """

    message_ids: Annotated[list[ObjectId], Meta(max_length=100)] | None = None
    since: Instant | None = None
    until: Instant | None = None


class Replayed(Shape):
    """How many messages are on their way."""

    success: Literal[True]
    replayed: int


class EndpointView(Shape):
    """An endpoint, without its secret. `error` says why the gateway disabled it.

    `failingSince` is the first failure since the last delivery. Messages are signed with the secret
    before this one, too, until `previousSecretUntil`.
    """

    id: str
    url: str
    description: str
    types: list[str]
    status: EndpointStatus
    error: str | None
    failing_since: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime


class EndpointSecret(EndpointView, omit_defaults=True):
    """An endpoint with a new secret, which is shown here and never again (`replayed`: not again)."""

    secret: str | None = None
    replayed: bool = False


class EndpointList(Shape):
    """Every endpoint of the project, oldest first."""

    endpoints: list[EndpointView]


class DeliveryView(Shape):
    """How a message fares at one endpoint. `responseStatus` is of the last answer, if any came."""

    endpoint_id: str
    status: DispatchStatus
    attempts: int
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    response_status: int | None
    error: str | None


class MessageView(Shape):
    """A message: `payload` is what is posted, and `id` its `webhook-id`."""

    id: str
    type: str
    created_at: datetime
    payload: dict[str, Any]
    deliveries: list[DeliveryView]


class MessageQuery(Shape):
    """Which page of messages to list; only those of a type, an endpoint, a delivery's status."""

    limit: PageSize = DEFAULT_PAGE
    cursor: Cursor | None = None
    type: Sent | None = None
    endpoint_id: ObjectId | None = None
    status: Literal["pending", "delivered", "failed"] | None = None


class MessagePage(Shape):
    """A page of messages, newest first."""

    data: list[MessageView]
    next_cursor: str | None
    has_more: bool


class Queued(Shape):
    """The message that is on its way."""

    success: Literal[True]
    message_id: str

"""What the usage endpoints read and write."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from dream_gateway.service.subscription_shapes import (
    SubscriptionView,  # noqa: TC001 # msgspec reads the annotations
)
from dream_gateway.service.values import (
    MAX_BATCH,
    MAX_COST,
    Cost,
    IdempotencyKey,
    PlanName,
    Scopes,
    Shape,
    Text,
    Units,
    Unlimited,
    UserId,
)

_BATCH = Meta(min_length=1, max_length=MAX_BATCH)


class TrackRequest(Shape):
    """What a request costs."""

    cost: Cost | None = None


class UsageView(Shape):
    """Usage of the current period.

    Units that other workers hold on lease count as used, so it is exact once traffic has been idle
    for a second, and never too low. `overage` are the units beyond `limit`, where the tier has a
    price for them: they are paid, and not refused. `subscription` is there for one who pays or did,
    where usage is what was asked for.
    """

    user_id: str
    plan: str
    usage_count: Units
    limit: Units | Unlimited
    remaining: Units | Unlimited
    period_start: datetime | None
    period_end: datetime | None
    overage: Units | UnsetType = UNSET
    subscription: SubscriptionView | UnsetType = UNSET


class CountedUsage(Shape):
    """Usage after it was charged; `count` is `usageCount` by its other name.

    `overage` is there where the tier has a price for units beyond `limit`.
    """

    user_id: str
    plan: str
    count: Units
    usage_count: Units
    limit: Units | Unlimited
    remaining: Units | Unlimited
    period_start: datetime | None
    period_end: datetime | None
    overage: Units | UnsetType = UNSET


class TrackAnswer(Shape, omit_defaults=True):
    """The charge was made. `eventId` and `duplicate` are there with an `Idempotency-Key`."""

    success: Literal[True]
    usage: CountedUsage
    event_id: str | None = None
    duplicate: bool | None = None


class BatchEvent(Shape):
    """One usage event; `plan` is the tier of a user who is new."""

    user_id: UserId
    idempotency_key: IdempotencyKey
    cost: Cost = 1
    plan: PlanName | None = None


class BatchRequest(Shape):
    """Usage events, each with a result of its own."""

    events: Annotated[list[BatchEvent], _BATCH]


class LooseBatch(Shape):
    """A batch whose events are looked at one by one, so that a bad one does not fail the rest."""

    events: Annotated[list[Any], _BATCH]


class FaultView(Shape):
    """What is wrong with the value at a JSON pointer (RFC 6901)."""

    pointer: str
    detail: str


class EventResult(Shape, omit_defaults=True):
    """What became of one event: `code` is `recorded`, `duplicate`, or that of an error."""

    success: bool
    code: str
    status: int
    detail: str | None = None
    event_id: str | None = None
    duplicate: bool | None = None
    usage: CountedUsage | None = None
    retry_after: float | None = None
    errors: list[FaultView] | None = None


class BatchAnswer(Shape):
    """The results in the order of the events; `success` if all of them are."""

    success: bool
    results: list[EventResult]


class VoidRequest(Shape):
    """How much to take back; all that is left without `amount`."""

    amount: Annotated[int, Meta(ge=1, le=MAX_COST)] | None = None


class VoidAnswer(Shape):
    """`amount` units of the event were taken back."""

    success: Literal[True]
    event_id: str
    void_id: str
    amount: Units
    duplicate: bool


class VerifyRequest(Shape):
    """A customer key, what its use costs, and what it must be allowed.

    `ip` is the address the key is used from, for keys that are bound to some.
    """

    key: Annotated[str, Meta(min_length=1, max_length=512)]
    cost: Cost = 1
    scopes: Scopes = field(default_factory=list)
    ip: Text | None = None


class VerifiedCustomer(Shape):
    """Whose key it is."""

    id: str
    external_id: str


class VerifyAnswer(Shape):
    """Whether the key may be used now; a refusal is an answer, and consumed nothing.

    `code` is `allowed`, or that of the refusal. `retryAfter` is seconds, when waiting helps.
    """

    allowed: bool
    code: str
    key_id: str | None
    customer: VerifiedCustomer | None
    plan: str | None
    scopes: list[str]
    usage: UsageView | None
    policy: str | None
    retry_after: float | None

"""What the customer endpoints read and write."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from dream_gateway.service.subscription_shapes import (
    SubscriptionView,  # noqa: TC001 # msgspec reads the annotations
)
from dream_gateway.service.values import (
    DEFAULT_PAGE,
    Cursor,
    Email,
    Metadata,
    PageSize,
    PlanName,
    Shape,
    Text,
    UserId,
)


class NewCustomer(Shape):
    """A customer to create. `externalId` is the `X-User-Id` they are charged by; default: their id.

    `plan` is the project's default tier unless given.
    """

    email: Email
    password: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    plan: PlanName | None = None
    external_id: UserId | None = None
    metadata: Metadata = field(default_factory=dict)


class CustomerChange(Shape):
    """What to change of a customer; what is left out stays as it is.

    Whoever is `suspended` is refused everywhere, and keeps their keys and what they used.
    """

    email: Email | UnsetType | None = UNSET
    first_name: Text | UnsetType | None = UNSET
    last_name: Text | UnsetType | None = UNSET
    plan: PlanName | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    suspended: bool | UnsetType = UNSET


class CustomerView(Shape):
    """A customer."""

    id: str
    external_id: str
    email: str | None
    first_name: str | None
    last_name: str | None
    plan: str
    suspended: bool
    publishable_key: str | None
    subscription: SubscriptionView | None
    metadata: dict[str, Any]
    created_at: datetime


class CustomerAnswer(Shape):
    """One customer."""

    success: Literal[True]
    customer: CustomerView


class CustomerQuery(Shape):
    """Which customers to list; `externalId` finds at most one."""

    limit: PageSize = DEFAULT_PAGE
    cursor: Cursor | None = None
    external_id: UserId | None = None


class CustomerPage(Shape):
    """A page of customers, oldest first."""

    data: list[CustomerView]
    next_cursor: str | None
    has_more: bool

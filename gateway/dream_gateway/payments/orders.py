"""What the provider is asked for: customers, pages to pay at, and pay for usage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Payer:
    """One who is to pay; `key` makes creating them twice the same."""

    key: str
    email: str | None
    name: str | None
    references: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """A subscription that is about to be begun. The price is the tier's, and nobody else's choice.

    `references` carry ids for people who look at the provider's pages; nothing is decided by them.
    An order with the same `key` is the same session.
    """

    key: str
    customer_id: str
    price_ids: tuple[str, ...]
    trial_days: int
    success_url: str
    cancel_url: str
    references: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CartLine:
    """So many of a product."""

    price_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class CartOrder:
    """Products that are about to be paid once, by a customer or by a guest."""

    key: str
    lines: tuple[CartLine, ...]
    success_url: str
    cancel_url: str
    references: Mapping[str, str]
    expires_at: float
    customer_id: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """A page of the provider's where somebody pays."""

    id: str
    url: str
    expires_at: float | None = None


class When(StrEnum):
    """When another plan begins: now, with what was paid set off, or with the next period."""

    NOW = "now"
    PERIOD_END = "period_end"


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Units to be paid beyond what is included. The same `identifier` counts once, whenever it comes."""

    identifier: str
    meter: str
    customer_id: str
    units: int
    at: float

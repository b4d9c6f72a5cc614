"""What the catalogue endpoints read and write. Prices are in the currency's minor unit."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Annotated, Literal

from msgspec import Meta, field

from dream_gateway.model import Interval  # noqa: TC001 # and these
from dream_gateway.service.key_shapes import RateShape, RateView  # noqa: TC001 # and these
from dream_gateway.service.values import (
    Currency,
    Features,
    LongText,
    Money,
    Shape,
    Text,
    TierName,
    Units,
    Unlimited,
    WebUrl,
)
from dream_gateway.tierspec import MOST

Limit = Annotated[int, Meta(ge=0, le=MOST)]
QuotaInterval = Literal["second", "minute", "hour", "day", "week", "month", "year", "lifetime"]
BillingInterval = Literal["month", "year"]
TrialDays = Annotated[int, Meta(ge=0, le=3650)]
Stock = Annotated[int, Meta(ge=0, le=10**12, description="Units in stock.")]


class OverageShape(Shape):
    """What use beyond the limit costs: `price` for each `per` units."""

    price: Annotated[int, Meta(ge=1, le=10**12, description="In the currency's minor unit.")]
    per: Annotated[int, Meta(ge=1, le=MOST)] = 1


class TierValues(Shape):
    """A tier but for its name: `limit` units per `interval`, `null`: they are not counted.

    `price` is for each `billingInterval` that the payment provider bills. With `overage`, units
    beyond the limit are counted and paid for, and not refused.
    """

    display_name: Text = ""
    price: Money = 0
    currency: Currency = "usd"
    limit: Limit | Unlimited = "unlimited"
    interval: QuotaInterval | None = "month"
    rate: RateShape | None = None
    price_id: Text | None = None
    product_id: Text | None = None
    features: Features = field(default_factory=list)
    popular: bool = False
    trial_days: TrialDays = 0
    overage: OverageShape | None = None
    billing_interval: BillingInterval = "month"


class NewTier(TierValues, kw_only=True):
    """A tier to create."""

    name: TierName


class ProductValues(Shape):
    """A product. `inventory` `null`: its units are not counted. `soldOut` holds whatever is left."""

    name: Annotated[Text, Meta(min_length=1)]
    price: Money
    display_name: Text = ""
    description: LongText = ""
    currency: Currency = "usd"
    image_url: WebUrl | None = None
    inventory: Stock | None = None
    sold_out: bool = False
    features: Features = field(default_factory=list)
    price_id: Text | None = None
    product_id: Text | None = None


class ProductView(Shape):
    """A product. `soldOut` is true too where nothing is left."""

    id: str
    name: str
    display_name: str
    description: str
    price: Units
    currency: str
    image_url: str | None
    inventory: Units | None
    sold_out: bool
    price_id: str | None
    product_id: str | None
    features: list[str]
    created_at: datetime


class ProductList(Shape):
    """Every product of the project."""

    products: list[ProductView]


class TierView(Shape):
    """A tier. `price` is in the currency's minor unit, per `billingInterval`; `limit` per `interval`."""

    name: str
    display_name: str
    price: Units
    currency: str
    limit: Units | Unlimited
    interval: Interval | None
    rate: RateView | None
    price_id: str | None
    product_id: str | None
    features: list[str]
    popular: bool
    trial_days: Units
    overage: OverageShape | None
    billing_interval: Interval


class TierList(Shape):
    """Every tier of the project."""

    tiers: list[TierView]

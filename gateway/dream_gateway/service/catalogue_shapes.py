"""What the catalogue endpoints write."""

from __future__ import annotations

from dream_gateway.model import Interval  # noqa: TC001 # msgspec reads the annotations
from dream_gateway.service.key_shapes import RateView  # noqa: TC001 # and these
from dream_gateway.service.values import Shape, Units, Unlimited


class TierView(Shape):
    """A tier. `price` is in the currency's minor unit; `limit` units per `interval`."""

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


class TierList(Shape):
    """Every tier of the project."""

    tiers: list[TierView]

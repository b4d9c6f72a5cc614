"""What is for sale, and what it is at the provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dream_gateway.model import Interval


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """Something to sell: a tier if it has an `interval`, else a product that is paid once.

    `ref` names it within the gateway, the same for ever. `overage` is minor units for each
    `overage_per` units of usage beyond what is included, a begun one for a whole one.
    """

    ref: str
    name: str
    amount: int
    currency: str
    interval: Interval | None = None
    description: str = ""
    image_url: str | None = None
    features: tuple[str, ...] = ()
    overage: int | None = None
    overage_per: int = 1


@dataclass(frozen=True, slots=True)
class Listed:
    """What an item is at the provider. `meter` is what its overage is reported to."""

    product_id: str
    price_id: str
    overage_price_id: str | None = None
    meter: str | None = None

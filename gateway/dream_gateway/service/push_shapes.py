"""What the routes of catalogues at the payment provider give."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 # msgspec reads the annotations
from typing import Literal

from dream_gateway.model import Interval  # noqa: TC001 # and these
from dream_gateway.service.values import Shape, Units

Kind = Literal["tier", "overage", "product"]


class ListingView(Shape):
    """What new buyers get. `ref` is the tier's name or the product's id."""

    kind: Kind
    ref: str
    price_id: str
    product_id: str
    amount: Units
    currency: str
    interval: Interval | None


class DriftView(Shape):
    """What is otherwise at the provider: `missing`, `unwanted`, or `different` in some fields."""

    kind: Kind
    ref: str
    problem: Literal["missing", "unwanted", "different"]
    fields: list[str]


class CatalogueView(Shape):
    """Whether the provider has the catalogue as it is here; `fault` is why not."""

    status: Literal["pending", "done", "failed", "never"]
    fault: str | None
    pushed_at: datetime | None
    on_sale: list[ListingView]


class DriftReport(Shape):
    """What is otherwise at the provider than here, asked for right now."""

    drift: list[DriftView]

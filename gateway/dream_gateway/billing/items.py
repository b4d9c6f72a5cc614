"""What a project has for sale, as a payment provider is told of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from dream_gateway.payments import CatalogueItem
from dream_gateway.records.prices import PriceKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dream_gateway.model import Product, Tier

Key = tuple[PriceKind, str]
"""What names an item within its project: `TIER` and a name, or `PRODUCT` and an id."""

TOLD = (
    "name",
    "amount",
    "currency",
    "interval",
    "description",
    "image_url",
    "features",
    "overage",
    "overage_per",
)
"""What is compared of two items of the same name."""


class Drift(NamedTuple):
    """An item that the provider has otherwise; `fields` are empty if only one of both has it.

    `wanted`: it is for sale here. So without `fields` it is missing there, or left over.
    """

    kind: PriceKind
    ref: str
    wanted: bool
    fields: tuple[str, ...]

    @property
    def problem(self) -> Literal["missing", "unwanted", "different"]:
        """What it is, in a word."""
        if self.fields:
            return "different"
        return "missing" if self.wanted else "unwanted"


def reference(project_id: str, key: Key) -> str:
    """Return the name of an item within the gateway, the same for ever."""
    return "/".join([project_id, *key])


def for_sale(
    project_id: str, tiers: Iterable[Tier], products: Iterable[Product]
) -> dict[Key, CatalogueItem]:
    """Return what costs something; the rest is nobody's to pay, and no provider's to know."""
    found: dict[Key, CatalogueItem] = {}
    for tier in tiers:
        if tier.price or tier.overage is not None:
            key = (PriceKind.TIER, tier.name)
            found[key] = _tier(reference(project_id, key), tier)
    for product in products:
        if product.price:
            key = (PriceKind.PRODUCT, product.id)
            found[key] = _product(reference(project_id, key), product)
    return found


def difference(key: Key, ours: CatalogueItem | None, theirs: CatalogueItem | None) -> Drift | None:
    """Return in what the provider's item is not ours; `None` if it is."""
    if ours == theirs:
        return None
    fields: Sequence[str] = ()
    if ours is not None and theirs is not None:
        fields = [name for name in TOLD if getattr(ours, name) != getattr(theirs, name)]
    return Drift(*key, wanted=ours is not None, fields=tuple(fields))


def _tier(ref: str, tier: Tier) -> CatalogueItem:
    overage = tier.overage
    return CatalogueItem(
        ref=ref,
        name=tier.display_name or tier.name,
        amount=tier.price,
        currency=tier.currency,
        interval=tier.billing_interval,
        features=tier.features,
        overage=None if overage is None else overage.price,
        overage_per=1 if overage is None else overage.per,
    )


def _product(ref: str, product: Product) -> CatalogueItem:
    return CatalogueItem(
        ref=ref,
        name=product.display_name or product.name,
        amount=product.price,
        currency=product.currency,
        description=product.description,
        image_url=product.image_url,
        features=product.features,
    )

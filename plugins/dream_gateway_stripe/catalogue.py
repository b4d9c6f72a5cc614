"""What is on sale: a product for each item, under an id made of its name, and its prices.

A price never changes. The one that new customers pay is the product's default price; that of
overage is the active one that is metered.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from dream_gateway.errors import ConflictError
from dream_gateway.payments import CatalogueItem, Listed
from dream_gateway_stripe.desk import PAGE, Asking, once
from dream_gateway_stripe.shapes import Price, Product
from dream_gateway_stripe.states import amount_of
from dream_gateway_stripe.usage import Meters, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stripe.params import (
        PriceCreateParams,
        ProductCreateParams,
        ProductUpdateParams,
    )

    from dream_gateway.payments import Account
    from dream_gateway_stripe.desk import Desk

MOST_FEATURES = 15
LONGEST_FEATURE = 80
"""How many lines of what a product brings Stripe takes, and their characters."""


def product_id(ref: str) -> str:
    """Return the id that an item has at Stripe, in every account and mode."""
    return f"dg_{sha256(ref.encode()).hexdigest()[:32]}"


class Catalogue(Asking):
    """Products and prices. Every step can be made again; what is there already is left as it is."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._meters = Meters(desk)

    async def list_item(self, account: Account, item: CatalogueItem) -> Listed:
        """Have an item on sale as it is now.

        The prices come first, and one change of the product puts all on sale that is new of it: who
        looks meanwhile, or after a failure, finds it as it was.
        """
        _check(item)
        product = await self._product(account, item)
        prices = await self._prices(account, product.id)
        price = await self._price(account, prices, _price(product.id, item))
        meter = overage = None
        if item.overage is not None and item.interval is not None:
            meter = await self._meters.meter(account, product.id, item.name)
            wanted = _overage(product.id, item, meter.id)
            overage = await self._price(account, prices, wanted)
        if _shown(product, product.default_price) != _wanted(item, price.id):
            await self._update_product(account, product.id, _changes(item, price.id))
        kept = {price.id} if overage is None else {price.id, overage.id}
        for old in prices:
            if old.active and old.id not in kept:
                await self._set_price_active(account, old.id, active=False)
        return Listed(
            product_id=product.id,
            price_id=price.id,
            overage_price_id=None if overage is None else overage.id,
            meter=None if meter is None else name_of(meter),
        )

    async def listed(self, account: Account, ref: str) -> CatalogueItem | None:
        """Return an item as it is on sale; `None` if it is not, or never was."""
        product = await self._find_product(account, product_id(ref))
        if product is None or not product.active:
            return None
        prices = await self._prices(account, product.id)
        price = next((p for p in prices if p.id == product.default_price and p.active), None)
        overage = next((p for p in prices if p.active and p.is_metered), None)
        return None if price is None else _item(ref, product, price, overage)

    async def withdraw_item(self, account: Account, ref: str) -> None:
        """Sell an item no longer; who pays for it goes on."""
        product = await self._find_product(account, product_id(ref))
        if product is not None and product.active:
            await self._update_product(account, product.id, {"active": False})

    async def _find_product(self, account: Account, name: str) -> Product | None:
        found = await self._desk.find(
            account,
            Product,
            lambda client, options: client.v1.products.retrieve_async(name, None, options),
        )
        return None if found is None or found.deleted else found

    async def _product(self, account: Account, item: CatalogueItem) -> Product:
        """Return the item's product; a new one is not on sale yet."""
        name = product_id(item.ref)
        found = await self._find_product(account, name)
        if found is not None:
            return found
        params: ProductCreateParams = {"id": name, "name": item.name, "active": False}
        return await self._desk.ask(
            account,
            Product,
            lambda client, options: client.v1.products.create_async(params, options),
            once(name, "product", params),
        )

    async def _update_product(
        self, account: Account, name: str, params: ProductUpdateParams
    ) -> Product:
        return await self._desk.ask(
            account,
            Product,
            lambda client, options: client.v1.products.update_async(name, params, options),
        )

    async def _prices(self, account: Account, name: str) -> Sequence[Price]:
        """Return all prices that a product ever had."""
        return await self._desk.every(
            account,
            Price,
            lambda client, options: client.v1.prices.list_async(
                {"product": name, "limit": PAGE}, options
            ),
        )

    async def _price(
        self, account: Account, prices: Sequence[Price], wanted: PriceCreateParams
    ) -> Price:
        """Return the price that is wanted: one that was there before is sold again."""
        found = next((price for price in prices if _is(price, wanted)), None)
        if found is None:
            return await self._desk.ask(
                account,
                Price,
                lambda client, options: client.v1.prices.create_async(wanted, options),
                once("price", wanted),
            )
        return (
            found if found.active else await self._set_price_active(account, found.id, active=True)
        )

    async def _set_price_active(self, account: Account, price_id: str, *, active: bool) -> Price:
        return await self._desk.ask(
            account,
            Price,
            lambda client, options: client.v1.prices.update_async(
                price_id, {"active": active}, options
            ),
        )


def _check(item: CatalogueItem) -> None:
    """Raise `ConflictError` for what Stripe would not take."""
    lines = item.features
    if len(lines) > MOST_FEATURES or any(len(line) > LONGEST_FEATURE for line in lines):
        raise ConflictError(
            f"Stripe shows {MOST_FEATURES} features of {LONGEST_FEATURE} characters at the most: "
            f"{item.name} has more, or longer ones."
        )


def _price(name: str, item: CatalogueItem) -> PriceCreateParams:
    params: PriceCreateParams = {
        "product": name,
        "currency": item.currency,
        "unit_amount": item.amount,
    }
    if item.interval is not None:
        params["recurring"] = {"interval": item.interval.value}
    return params


def _overage(name: str, item: CatalogueItem, meter_id: str) -> PriceCreateParams:
    """Return the price of what is used beyond what an item includes, with a meter's usage."""
    assert item.interval is not None  # noqa: S101 - who pays once has no period to exceed
    params: PriceCreateParams = {
        "product": name,
        "currency": item.currency,
        "unit_amount": item.overage or 0,
        "recurring": {
            "interval": item.interval.value,
            "usage_type": "metered",
            "meter": meter_id,
        },
    }
    if item.overage_per > 1:
        params["transform_quantity"] = {"divide_by": item.overage_per, "round": "up"}
    return params


def _is(price: Price, wanted: PriceCreateParams) -> bool:
    """Whether a price is what is wanted, on sale or not."""
    return _terms(price) == _wanted_terms(wanted)


def _terms(price: Price) -> tuple[object, ...]:
    own, divided = price.recurring, price.transform_quantity
    return (
        price.currency,
        price.unit_amount,
        None if own is None else (own.interval, own.interval_count, own.usage_type, own.meter),
        1 if divided is None else divided.divide_by,
    )


def _wanted_terms(wanted: PriceCreateParams) -> tuple[object, ...]:
    """Return the terms of a price to be, in the order of `_terms`."""
    own, divided = wanted.get("recurring"), wanted.get("transform_quantity")
    return (
        wanted["currency"],
        wanted.get("unit_amount"),
        own and (own["interval"], 1, own.get("usage_type", "licensed"), own.get("meter")),
        1 if divided is None else divided["divide_by"],
    )


def _changes(item: CatalogueItem, price_id: str) -> ProductUpdateParams:
    """Return what makes a product the item; an empty text takes away what there was."""
    return {
        "active": True,
        "default_price": price_id,
        "name": item.name,
        "description": item.description,
        "images": [item.image_url] if item.image_url else "",
        "marketing_features": [{"name": line} for line in item.features] or "",
    }


def _wanted(item: CatalogueItem, price_id: str) -> tuple[object, ...]:
    image = (item.image_url,) if item.image_url else ()
    return (True, price_id, item.name, item.description, image, item.features)


def _shown(product: Product, price_id: str | None) -> tuple[object, ...]:
    """Return what a product shows, in the order of `_wanted`."""
    lines = tuple(each.name for each in product.marketing_features if each.name)
    text = product.description or ""
    return (product.active, price_id, product.name, text, product.images, lines)


def _item(ref: str, product: Product, price: Price, overage: Price | None) -> CatalogueItem:
    divided = None if overage is None else overage.transform_quantity
    return CatalogueItem(
        ref=ref,
        name=product.name,
        amount=amount_of(price),
        currency=price.currency,
        interval=None if price.recurring is None else price.recurring.interval,
        description=product.description or "",
        image_url=product.images[0] if product.images else None,
        features=tuple(each.name for each in product.marketing_features if each.name),
        overage=None if overage is None else amount_of(overage),
        overage_per=1 if divided is None else divided.divide_by,
    )

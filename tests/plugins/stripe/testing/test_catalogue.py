"""Products and prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stripe

if TYPE_CHECKING:
    from tests.plugins.stripe.testing.conftest import Shop


async def test_a_product_with_an_id_of_the_callers_is_made_once(shop: Shop) -> None:
    wanted = {"id": "prod_pro", "name": "Pro", "marketing_features": [{"name": "Fast"}]}
    made = await shop.v1.products.create_async(wanted, shop.options)
    assert (made.id, made.marketing_features[0].name) == ("prod_pro", "Fast")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await shop.v1.products.create_async(wanted, shop.options)
    assert caught.value.code == "resource_already_exists"


async def test_a_price_is_no_longer_sold_but_still_paid(shop: Shop) -> None:
    price = await shop.price(2_900, lookup_key="pro")
    id_ = await shop.subscribed(price, await shop.customer())
    await shop.v1.prices.update_async(price, {"active": False}, shop.options)
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        await shop.session(price)
    shop.fake.advance(31 * 86_400)
    assert (await shop.subscription(id_)).status == "active"


async def test_a_lookup_key_goes_over_to_another_price(shop: Shop) -> None:
    first = await shop.price(2_900, lookup_key="pro")
    with pytest.raises(stripe.InvalidRequestError, match="already uses"):
        await shop.price(3_900, lookup_key="pro")
    second = await shop.price(3_900, lookup_key="pro", transfer_lookup_key=True)
    found = await shop.v1.prices.list_async({"lookup_keys": ["pro"]}, shop.options)
    assert [each.id for each in found.data] == [second]
    assert (await shop.v1.prices.retrieve_async(first, None, shop.options)).lookup_key is None


async def test_lists_are_filtered(shop: Shop) -> None:
    monthly, yearly = await shop.price(100), await shop.price(1_000, "year")
    once = await shop.price(5, None)
    prices = shop.v1.prices
    for wanted, expected in (
        ({"type": "one_time"}, [once]),
        ({"recurring": {"interval": "year"}}, [yearly]),
        ({"active": False}, []),
        ({"type": "recurring"}, [yearly, monthly]),
    ):
        found = await prices.list_async(wanted, shop.options)
        assert [each.id for each in found.data] == expected


async def test_a_product_goes_only_without_prices(shop: Shop) -> None:
    free = await shop.v1.products.create_async({"name": "Free"}, shop.options)
    await shop.v1.products.delete_async(free.id, None, shop.options)
    sold = (await shop.v1.prices.retrieve_async(await shop.price(1), None, shop.options)).product
    with pytest.raises(stripe.InvalidRequestError):
        await shop.v1.products.delete_async(sold, None, shop.options)
    archived = await shop.v1.products.update_async(sold, {"active": False}, shop.options)
    assert archived.active is False

"""What is put on sale at Stripe, changed, taken off, and read back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stripe import HTTPXClient, StripeClient

from dream_gateway.errors import BillingUnavailableError, ConflictError
from dream_gateway.model import Interval
from dream_gateway.payments import CartLine, CartOrder, CatalogueItem, Listed
from dream_gateway_stripe.catalogue import product_id
from dream_gateway_stripe.testing import Moment

if TYPE_CHECKING:
    from stripe import RequestOptions

    from dream_gateway.payments import Account
    from dream_gateway_stripe.billing import StripeBilling
    from dream_gateway_stripe.testing import FakeStripe

PRO = CatalogueItem(
    ref="prj_1/tier/pro",
    name="Pro",
    amount=1900,
    currency="usd",
    interval=Interval.MONTH,
    description="For teams",
    image_url="https://img.example.com/pro.png",
    features=("100,000 requests", "Support"),
)
MUG = CatalogueItem(ref="prj_1/product/mug", name="Mug", amount=500, currency="eur")
METERED = replace(PRO, overage=2, overage_per=1000)


def posts(fake: FakeStripe) -> int:
    return sum(method == "post" for method, _ in fake.api.requests)


def active_prices(fake: FakeStripe, account: Account) -> set[str]:
    assert account.id is not None
    books = fake.world.books(account.id, live=account.live)
    return {price["id"] for price in books.all("price") if price["active"]}


@pytest.mark.parametrize("item", [PRO, MUG, METERED, replace(PRO, interval=Interval.YEAR)])
async def test_what_was_listed_is_read_back_and_listing_it_again_changes_nothing(
    billing: StripeBilling, fake: FakeStripe, account: Account, item: CatalogueItem
) -> None:
    assert await billing.listed(account, item.ref) is None
    listed = await billing.list_item(account, item)
    assert await billing.listed(account, item.ref) == item
    before = posts(fake)
    assert await billing.list_item(account, item) == listed
    assert posts(fake) == before
    assert listed.product_id == product_id(item.ref)
    assert (listed.overage_price_id is not None) is (item.overage is not None)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 2900},
        {"currency": "eur"},
        {"interval": Interval.YEAR},
        {"interval": None},
    ],
)
async def test_another_price_is_a_new_one_and_the_old_is_no_longer_sold(
    billing: StripeBilling, fake: FakeStripe, account: Account, change: dict[str, object]
) -> None:
    old = await billing.list_item(account, PRO)
    changed = replace(PRO, **change)  # type: ignore[arg-type]
    new = await billing.list_item(account, changed)
    assert (new.product_id, new.price_id != old.price_id) == (old.product_id, True)
    assert active_prices(fake, account) == {new.price_id}
    assert await billing.listed(account, PRO.ref) == changed
    # Back again: the price that was there before, so that there are not two alike.
    assert await billing.list_item(account, PRO) == old
    assert active_prices(fake, account) == {old.price_id}


async def test_texts_change_without_a_new_price(
    billing: StripeBilling, fake: FakeStripe, account: Account
) -> None:
    old = await billing.list_item(account, PRO)
    bare = replace(PRO, name="Plus", description="", image_url=None, features=())
    assert await billing.list_item(account, bare) == old
    assert await billing.listed(account, PRO.ref) == bare
    del fake


async def test_overage_comes_and_goes_with_a_meter_of_its_own(
    billing: StripeBilling, fake: FakeStripe, account: Account
) -> None:
    plain = await billing.list_item(account, PRO)
    metered = await billing.list_item(account, METERED)
    assert metered.price_id == plain.price_id
    assert metered.meter is not None
    assert active_prices(fake, account) == {metered.price_id, metered.overage_price_id}
    dearer = await billing.list_item(account, replace(METERED, overage=3))
    assert dearer.meter == metered.meter
    assert active_prices(fake, account) == {dearer.price_id, dearer.overage_price_id}
    assert await billing.list_item(account, PRO) == plain
    assert active_prices(fake, account) == {plain.price_id}
    assert await billing.list_item(account, METERED) == metered


async def test_what_is_withdrawn_is_not_for_sale_until_it_is_listed_again(
    billing: StripeBilling, fake: FakeStripe, account: Account
) -> None:
    await billing.withdraw_item(account, MUG.ref)
    listed = await billing.list_item(account, MUG)
    for _ in range(2):
        await billing.withdraw_item(account, MUG.ref)
        assert await billing.listed(account, MUG.ref) is None
    order = CartOrder(
        key="1",
        lines=(CartLine(listed.price_id, 1),),
        success_url="https://x.example.com/",
        cancel_url="https://x.example.com/",
        references={},
        expires_at=fake.clock.now() + 3600,
    )
    with pytest.raises(ConflictError):
        await billing.cart(account, order)
    assert await billing.list_item(account, MUG) == listed
    assert await billing.listed(account, MUG.ref) == MUG


async def test_accounts_and_modes_share_nothing(
    billing: StripeBilling, fake: FakeStripe, account: Account
) -> None:
    assert account.id is not None
    live = replace(account, live=True)
    fake.people.connected(live=True, account=account.id)
    here = await billing.list_item(account, PRO)
    assert await billing.listed(live, PRO.ref) is None
    there = await billing.list_item(live, replace(PRO, amount=1))
    assert (there.product_id, there.price_id != here.price_id) == (here.product_id, True)
    assert await billing.listed(account, PRO.ref) == PRO


async def test_a_push_that_breaks_off_anywhere_leaves_what_was_on_sale_and_can_be_repeated(
    billing: StripeBilling, fake: FakeStripe, account: Account
) -> None:
    await billing.list_item(account, PRO)
    changed = replace(METERED, amount=2900, name="Plus")
    paths = ["/v1/prices", "/v1/billing/meters", f"/v1/products/{product_id(PRO.ref)}"]
    for path in paths:
        for moment in Moment:
            fake.fail(path, status=429, moment=moment)
            with pytest.raises(BillingUnavailableError):
                await billing.list_item(account, changed)
            shown = await billing.listed(account, PRO.ref)
            done = path == paths[-1] and moment is Moment.AFTER
            assert shown is not None
            assert (shown.name, shown.amount) == (("Plus", 2900) if done else ("Pro", 1900))
    listed = await billing.list_item(account, changed)
    assert await billing.listed(account, PRO.ref) == changed
    assert active_prices(fake, account) == {listed.price_id, listed.overage_price_id}


async def test_many_at_once_list_one_product_and_one_price(
    billing: StripeBilling, fake: FakeStripe, account: Account
) -> None:
    found = await asyncio.gather(*(billing.list_item(account, PRO) for _ in range(8)))
    assert len({*found}) == 1
    assert active_prices(fake, account) == {found[0].price_id}


async def test_more_features_than_stripe_shows_are_refused_beforehand(
    billing: StripeBilling, fake: FakeStripe, account: Account
) -> None:
    before = posts(fake)
    for features in (("x",) * 16, ("x" * 81,)):
        with pytest.raises(ConflictError, match="15 features of 80 characters"):
            await billing.list_item(account, replace(PRO, features=features))
    assert posts(fake) == before


async def test_what_somebody_changed_at_stripe_is_told_and_put_right(
    billing: StripeBilling, fake: FakeStripe, account: Account
) -> None:
    listed = await billing.list_item(account, PRO)
    keys = fake.keys()
    client = StripeClient(
        keys.secret, http_client=HTTPXClient(), base_addresses={"api": fake.base_url}
    )
    own: RequestOptions = {"stripe_account": account.id}
    products, prices = client.v1.products, client.v1.prices
    await products.update_async(listed.product_id, {"name": "Prof", "active": False}, own)
    assert await billing.listed(account, PRO.ref) is None
    await products.update_async(listed.product_id, {"active": True}, own)
    cheap = await prices.create_async(
        {
            "product": listed.product_id,
            "currency": "usd",
            "unit_amount": 1,
            "recurring": {"interval": "month"},
        },
        own,
    )
    await products.update_async(listed.product_id, {"default_price": cheap.id}, own)
    assert await billing.listed(account, PRO.ref) == replace(PRO, name="Prof", amount=1)
    assert await billing.list_item(account, PRO) == listed
    assert await billing.listed(account, PRO.ref) == PRO
    assert active_prices(fake, account) == {listed.price_id}


items = st.builds(
    CatalogueItem,
    ref=st.just(PRO.ref),
    name=st.sampled_from(["Pro", "Plus"]),
    amount=st.integers(1, 3),
    currency=st.sampled_from(["usd", "eur"]),
    interval=st.sampled_from([Interval.MONTH, Interval.YEAR]),
    features=st.sampled_from([(), ("a",), ("a", "b")]),
    overage=st.sampled_from([None, 1]),
)


@given(changes=st.lists(st.none() | items, max_size=6))
@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_after_any_changes_what_is_listed_is_what_was_listed_last(
    billing: StripeBilling, account: Account, changes: list[CatalogueItem | None]
) -> None:
    seen: dict[CatalogueItem, Listed] = {}
    for item in changes:
        if item is None:
            await billing.withdraw_item(account, PRO.ref)
        else:
            listed = await billing.list_item(account, item)
            assert seen.setdefault(item, listed) == listed
        shown = await billing.listed(account, PRO.ref)
        assert shown == (
            item if item is None or item.overage is not None else replace(item, overage_per=1)
        )

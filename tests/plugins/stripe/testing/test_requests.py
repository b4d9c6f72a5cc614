"""Keys, accounts, repeats, failures, lists and what is expanded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import stripe
from tests.plugins.stripe.testing.conftest import DAY, client_of

from dream_gateway_stripe.testing import Moment

if TYPE_CHECKING:
    from tests.plugins.stripe.testing.conftest import Shop


async def test_a_repeat_with_its_key_does_the_work_once(shop: Shop) -> None:
    options = {**shop.options, "idempotency_key": "one"}
    first = await shop.v1.customers.create_async({"email": "ada@example.com"}, options)
    again = await shop.v1.customers.create_async({"email": "ada@example.com"}, options)
    assert again.id == first.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        await shop.v1.customers.create_async({"email": "eve@example.com"}, options)


async def test_keys_belong_to_an_account_and_last_a_day(shop: Shop) -> None:
    options = {**shop.options, "idempotency_key": "one"}
    first = await shop.v1.customers.create_async({}, options)
    other = {"stripe_account": shop.fake.people.connected(), "idempotency_key": "one"}
    assert (await shop.v1.customers.create_async({}, other)).id != first.id
    shop.fake.advance(DAY + 1)
    assert (await shop.v1.customers.create_async({}, options)).id != first.id


@pytest.mark.parametrize("status", [0, 500])
@pytest.mark.parametrize("moment", list(Moment))
async def test_a_failure_before_or_after_the_work_is_made_up_for(
    shop: Shop, moment: Moment, status: int
) -> None:
    shop.fake.fail("/v1/customers", moment=moment, status=status)
    made = await shop.v1.customers.create_async({"email": "ada@example.com"}, shop.options)
    found = await shop.v1.customers.list_async({}, shop.options)
    assert [each.id for each in found.data] == [made.id]


async def test_too_many_requests(shop: Shop) -> None:
    shop.fake.fail("/v1/customers", status=429, method="get")
    with pytest.raises(stripe.RateLimitError):
        await shop.v1.customers.list_async({}, shop.options)


async def test_a_key_sees_connected_accounts_of_its_own_mode_only(shop: Shop) -> None:
    stranger = shop.fake.people.owner()
    with pytest.raises(stripe.PermissionError):
        await shop.v1.customers.list_async({}, {"stripe_account": stranger})
    live = client_of(shop.fake, live=True)
    with pytest.raises(stripe.PermissionError):
        await live.v1.customers.list_async({}, shop.options)
    shop.fake.people.connected(live=True, account=shop.account)
    await shop.v1.customers.create_async({}, shop.options)
    assert (await live.v1.customers.list_async({}, shop.options)).data == []
    assert (await shop.v1.customers.list_async({})).data == []


async def test_no_key_and_a_wrong_one(shop: Shop) -> None:
    url = f"{shop.fake.base_url}/v1/customers"
    async with httpx.AsyncClient() as http:
        for headers in ({}, {"authorization": "Bearer sk_test_other"}):
            assert (await http.get(url, headers=headers)).status_code == 401


async def test_lists_go_on_page_by_page(shop: Shop) -> None:
    made = [(await shop.v1.customers.create_async({}, shop.options)).id for _ in range(5)]
    page = await shop.v1.customers.list_async({"limit": 2}, shop.options)
    assert ([each.id for each in page.data], page.has_more) == (made[:-3:-1], True)
    everything = [each.id async for each in page.auto_paging_iter()]
    assert everything == made[::-1]
    before = {"limit": 2, "ending_before": made[0]}
    page = await shop.v1.customers.list_async(before, shop.options)
    assert ([each.id for each in page.data], page.has_more) == ([made[2], made[1]], True)
    with pytest.raises(stripe.InvalidRequestError):
        await shop.v1.customers.list_async({"starting_after": "cus_none"}, shop.options)


async def test_what_is_expanded(shop: Shop) -> None:
    price, customer = await shop.price(2_900), await shop.customer()
    id_ = await shop.subscribed(price, customer)
    path = "latest_invoice.payments.data.payment.payment_intent.latest_charge"
    found = await shop.v1.subscriptions.retrieve_async(
        id_, {"expand": ["customer", path]}, shop.options
    )
    assert found.customer.email == "ada@example.com"
    (payment,) = found.latest_invoice.payments.data
    assert payment.payment.payment_intent.latest_charge.amount == 2_900
    with pytest.raises(stripe.InvalidRequestError):
        await shop.v1.subscriptions.retrieve_async(id_, {"expand": ["nix"]}, shop.options)


async def test_metadata_is_merged_and_bounded(shop: Shop) -> None:
    customers = shop.v1.customers
    made = await customers.create_async({"metadata": {"a": "1", "b": "2"}}, shop.options)
    wanted = {"metadata": {"a": "", "c": "3"}}
    changed = await customers.update_async(made.id, wanted, shop.options)
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    with pytest.raises(stripe.InvalidRequestError):
        await customers.create_async({"metadata": {"a": "x" * 501}}, shop.options)


async def test_filters_of_an_empty_list_are_known_all_the_same(shop: Shop) -> None:
    created = {"created": {"gte": 1}}
    for found in (
        await shop.v1.events.list_async({**created, "delivery_success": False}, shop.options),
        await shop.v1.customers.list_async({**created, "email": "a@example.com"}, shop.options),
        await shop.v1.prices.list_async({"recurring": {"interval": "month"}}, shop.options),
        await shop.v1.subscriptions.list_async({**created, "status": "all"}, shop.options),
    ):
        assert found.data == []
    wanted = {"collection_method": "send_invoice"}
    with pytest.raises(stripe.InvalidRequestError, match="collection_method"):
        await shop.v1.subscriptions.list_async(wanted, shop.options)
    assert len(shop.fake.forgive()) == 1

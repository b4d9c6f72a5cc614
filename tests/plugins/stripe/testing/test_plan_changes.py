"""Other prices: at once with what is set off, or by a schedule at the period's end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe
from tests.plugins.stripe.testing.conftest import DAY

from dream_gateway_stripe.testing import Card

if TYPE_CHECKING:
    from tests.plugins.stripe.testing.conftest import Shop


def prices_of(subscription: stripe.Subscription) -> list[str]:
    return [each.price.id for each in subscription["items"].data]


async def change(shop: Shop, id_: str, price: str, **more: Any) -> Any:
    item = (await shop.subscription(id_))["items"].data[0].id
    params = {"items": [{"id": item, "price": price}], **more}
    return await shop.v1.subscriptions.update_async(id_, params, shop.options)


async def test_an_upgrade_is_set_off_and_paid_at_once(shop: Shop) -> None:
    id_ = await shop.subscribed(await shop.price(3_100), await shop.customer())
    shop.fake.advance(11 * DAY)
    changed = await change(shop, id_, await shop.price(6_200), proration_behavior="always_invoice")
    lines = [
        (each.amount, each.description.split(" on ")[0])
        for each in (await shop.invoice(id_)).lines.data
    ]
    # Twenty of thirty-one days are left.
    assert lines == [(-2_000, "Unused time"), (4_000, "Remaining time")]
    assert changed["items"].data[0].current_period_end == shop.now + 20 * DAY


@pytest.mark.parametrize(("proration", "due"), [("create_prorations", 8_200), ("none", 6_200)])
async def test_or_with_the_next_invoice_or_never(shop: Shop, proration: str, due: int) -> None:
    id_ = await shop.subscribed(await shop.price(3_100), await shop.customer())
    first = (await shop.invoice(id_)).id
    shop.fake.advance(11 * DAY)
    await change(shop, id_, await shop.price(6_200), proration_behavior=proration)
    assert (await shop.invoice(id_)).id == first
    shop.fake.advance(20 * DAY)
    assert (await shop.invoice(id_)).amount_paid == due


async def test_what_is_left_of_a_downgrade_is_credit(shop: Shop) -> None:
    customer = await shop.customer()
    id_ = await shop.subscribed(await shop.price(6_200), customer)
    await change(shop, id_, await shop.price(3_100), proration_behavior="always_invoice")
    assert (await shop.invoice(id_)).amount_due == 0
    balance = (await shop.v1.customers.retrieve_async(customer, None, shop.options)).balance
    assert balance == -3_100
    shop.fake.advance(31 * DAY)
    assert (await shop.invoice(id_)).amount_due == 0


async def test_another_interval_is_a_new_period(shop: Shop) -> None:
    id_ = await shop.subscribed(await shop.price(3_100), await shop.customer())
    shop.fake.advance(11 * DAY)
    changed = await change(shop, id_, await shop.price(31_000, "year"))
    (item,) = changed["items"].data
    assert (item.current_period_start, item.current_period_end) == (shop.now, shop.now + 365 * DAY)
    assert (await shop.invoice(id_)).total == 31_000 - 2_000


async def test_a_change_that_cannot_be_paid(shop: Shop) -> None:
    customer = await shop.customer()
    small = await shop.price(3_100)
    id_ = await shop.subscribed(small, customer)
    shop.fake.people.use_card(customer, Card.DECLINES)
    big = await shop.price(6_200)
    now = {"proration_behavior": "always_invoice"}
    with pytest.raises(stripe.CardError):
        await change(shop, id_, big, payment_behavior="error_if_incomplete", **now)
    assert prices_of(await shop.subscription(id_)) == [small]
    changed = await change(shop, id_, big, **now)
    assert (changed.status, prices_of(changed)) == ("past_due", [big])


async def test_a_change_that_is_refused_changes_nothing(shop: Shop) -> None:
    small = await shop.price(3_100)
    id_ = await shop.subscribed(small, await shop.customer())
    euros = await shop.price(3_100, currency="eur")
    with pytest.raises(stripe.InvalidRequestError, match="currency"):
        await change(shop, id_, euros, metadata={"a": "1"})
    found = await shop.subscription(id_)
    assert (prices_of(found), found.metadata.to_dict()) == ([small], {})


async def scheduled(shop: Shop, id_: str, price: str) -> Any:
    schedules = shop.v1.subscription_schedules
    made = await schedules.create_async({"from_subscription": id_}, shop.options)
    (now,) = made.phases
    first = {
        "items": [{"price": now["items"][0].price, "quantity": 1}],
        "start_date": now.start_date,
        "end_date": now.end_date,
    }
    then = {"items": [{"price": price, "quantity": 1}], "proration_behavior": "none"}
    wanted = {"phases": [first, then], "end_behavior": "release"}
    return await schedules.update_async(made.id, wanted, shop.options)


async def test_a_schedule_changes_the_price_with_the_period(shop: Shop) -> None:
    big, small = await shop.price(6_200), await shop.price(3_100)
    id_ = await shop.subscribed(big, await shop.customer())
    schedule = await scheduled(shop, id_, small)
    found = await shop.subscription(id_)
    assert (found.schedule, prices_of(found)) == (schedule.id, [big])
    with pytest.raises(stripe.InvalidRequestError, match="managed by"):
        await shop.v1.subscriptions.update_async(id_, {"cancel_at_period_end": True}, shop.options)
    shop.fake.advance(31 * DAY)
    assert prices_of(await shop.subscription(id_)) == [small]
    assert (await shop.invoice(id_)).amount_paid == 3_100
    shop.fake.advance(31 * DAY)
    found = await shop.subscription(id_)
    assert (found.schedule, prices_of(found), found.status) == (None, [small], "active")


async def test_a_schedule_that_is_released_changes_nothing(shop: Shop) -> None:
    big = await shop.price(6_200)
    id_ = await shop.subscribed(big, await shop.customer())
    schedule = await scheduled(shop, id_, await shop.price(3_100))
    release = shop.v1.subscription_schedules.release_async
    assert (await release(schedule.id, None, shop.options)).released_subscription == id_
    shop.fake.advance(31 * DAY)
    found = await shop.subscription(id_)
    assert (found.schedule, prices_of(found)) == (None, [big])
    with pytest.raises(stripe.InvalidRequestError, match="released"):
        await release(schedule.id, None, shop.options)


async def test_a_schedule_ends_with_its_subscription(shop: Shop) -> None:
    id_ = await shop.subscribed(await shop.price(6_200), await shop.customer())
    schedule = await scheduled(shop, id_, await shop.price(3_100))
    with pytest.raises(stripe.InvalidRequestError, match="already attached"):
        await scheduled(shop, id_, await shop.price(100))
    await shop.v1.subscriptions.cancel_async(id_, None, shop.options)
    schedules = shop.v1.subscription_schedules
    assert (await schedules.retrieve_async(schedule.id, None, shop.options)).status == "canceled"


async def test_a_schedule_that_forgets_a_trial_ends_it(shop: Shop) -> None:
    price = await shop.price(3_100)
    id_ = await shop.subscribed(price, await shop.customer(), trial_days=7)
    schedules = shop.v1.subscription_schedules
    made = await schedules.create_async({"from_subscription": id_}, shop.options)
    (now,) = made.phases
    phase = {
        "items": [{"price": price, "quantity": 1}],
        "start_date": now.start_date,
        "end_date": now.end_date,
        "trial_end": now.trial_end,
    }
    await schedules.update_async(made.id, {"phases": [phase]}, shop.options)
    assert (await shop.subscription(id_)).status == "trialing"
    del phase["trial_end"]
    await schedules.update_async(made.id, {"phases": [phase]}, shop.options)
    assert (await shop.subscription(id_)).status == "active"
    assert (await shop.invoice(id_)).amount_paid == 3_100


async def test_what_is_deep_in_a_request_is_not_passed_over_either(shop: Shop) -> None:
    data = {"trial_settings": {"end_behavior": {"missing_payment_method": "pause"}}}
    price = await shop.price(3_100)
    await shop.session(price, subscription_data=data)
    with pytest.raises(stripe.InvalidRequestError, match=r"subscription_data\[description\]"):
        await shop.session(price, subscription_data={"description": "Pro"})
    assert len(shop.fake.forgive()) == 1


async def test_a_phase_may_begin_a_period_of_its_own(shop: Shop) -> None:
    big, small = await shop.price(6_200), await shop.price(3_100)
    id_ = await shop.subscribed(big, await shop.customer())
    made = await scheduled(shop, id_, small)
    first = made.phases[0]
    end = first.start_date + 10 * DAY
    phases = [
        {"items": [{"price": big}], "start_date": first.start_date, "end_date": end},
        {
            "items": [{"price": small}],
            "proration_behavior": "none",
            "billing_cycle_anchor": "phase_start",
        },
    ]
    wanted = {"phases": phases}
    await shop.v1.subscription_schedules.update_async(made.id, wanted, shop.options)
    shop.fake.advance(11 * DAY)
    (item,) = (await shop.subscription(id_))["items"].data
    assert (item.price.id, item.current_period_start) == (small, end)
    assert (await shop.invoice(id_)).amount_paid == 3_100

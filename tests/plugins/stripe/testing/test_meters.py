"""Usage that is reported, summed up, and paid with the next invoice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe
from tests.plugins.stripe.testing.conftest import DAY

if TYPE_CHECKING:
    from tests.plugins.stripe.testing.conftest import Shop


async def meter(shop: Shop) -> Any:
    params = {
        "display_name": "Calls",
        "event_name": "calls",
        "default_aggregation": {"formula": "sum"},
    }
    return await shop.v1.billing.meters.create_async(params, shop.options)


async def report(shop: Shop, customer: str, units: int, name: str, **more: Any) -> Any:
    payload = {"stripe_customer_id": customer, "value": str(units)}
    params = {"event_name": "calls", "payload": payload, "identifier": name, **more}
    return await shop.v1.billing.meter_events.create_async(params, shop.options)


async def summed(shop: Shop, meter_id: str, customer: str, start: int, end: int) -> float:
    params = {"customer": customer, "start_time": start, "end_time": end}
    page = await shop.v1.billing.meters.event_summaries.list_async(meter_id, params, shop.options)
    return float(sum(each.aggregated_value for each in page.data))


async def test_an_identifier_counts_once(shop: Shop) -> None:
    made, customer = await meter(shop), await shop.customer()
    await report(shop, customer, 7, "a")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await report(shop, customer, 7, "a")
    assert caught.value.code == "duplicate_meter_event"
    await report(shop, customer, 3, "b")
    minute = shop.now // 60 * 60
    assert await summed(shop, made.id, customer, minute, minute + 60) == 10
    assert await summed(shop, made.id, customer, minute + 60, minute + 120) == 0


async def test_what_is_refused(shop: Shop) -> None:
    made, customer = await meter(shop), await shop.customer()
    for more in ({"timestamp": shop.now - 36 * DAY}, {"timestamp": shop.now + 301}):
        with pytest.raises(stripe.InvalidRequestError, match="timestamp"):
            await report(shop, customer, 1, "a", **more)
    with pytest.raises(stripe.InvalidRequestError, match="whole number"):
        await report(shop, customer, -1, "a")
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        await report(shop, "cus_none", 1, "a")
    with pytest.raises(stripe.InvalidRequestError, match="minute"):
        await summed(shop, made.id, customer, 1, 61)
    with pytest.raises(stripe.InvalidRequestError, match="exists"):
        await meter(shop)


async def test_usage_is_paid_after_its_period(shop: Shop) -> None:
    made, customer = await meter(shop), await shop.customer()
    metered = {"interval": "month", "usage_type": "metered", "meter": made.id}
    overage = await shop.price(
        5, None, recurring=metered, transform_quantity={"divide_by": 100, "round": "up"}
    )
    flat = await shop.price(2_900)
    lines = [{"price": flat, "quantity": 1}, {"price": overage}]
    session = await shop.session(flat, customer=customer, line_items=lines)
    id_ = shop.fake.people.check_out(session.id)["subscription"]
    assert (await shop.invoice(id_)).total == 2_900
    await report(shop, customer, 150, "a")
    await report(shop, customer, 60, "b")
    shop.fake.advance(31 * DAY)
    # 210 units are three hundreds that were begun.
    assert (await shop.invoice(id_)).total == 2_900 + 15
    shop.fake.advance(31 * DAY)
    assert (await shop.invoice(id_)).total == 2_900


async def test_a_meter_that_is_off_counts_nothing(shop: Shop) -> None:
    made, customer = await meter(shop), await shop.customer()
    await shop.v1.billing.meters.deactivate_async(made.id, None, shop.options)
    with pytest.raises(stripe.InvalidRequestError, match="No active meter"):
        await report(shop, customer, 1, "a")
    await shop.v1.billing.meters.reactivate_async(made.id, None, shop.options)
    assert (await report(shop, customer, 1, "a")).identifier == "a"

"""What Stripe's objects are in the gateway's terms: tables of what is read, and what it means."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dream_gateway.model import Interval
from dream_gateway.payments import (
    AccountState,
    CheckoutStatus,
    PaymentState,
    ScheduledChange,
    SubscriptionState,
    SubscriptionStatus,
)
from dream_gateway_stripe.phases import phases
from dream_gateway_stripe.shapes import (
    ConnectedAccount,
    Payment,
    Price,
    Schedule,
    Session,
    Subscription,
)
from dream_gateway_stripe.states import (
    account_state,
    checkout_state,
    payment_state,
    subscription_state,
)

START, END, LATER = 1_790_000_000, 1_792_592_000, 1_795_000_000
ENDS = {"end_behavior": "cancel"}


def price(price_id: str = "price_1", **fields: object) -> dict[str, Any]:
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed", "meter": None}
    return {
        "id": price_id,
        "product": "prod_1",
        "currency": "usd",
        "unit_amount": 1900,
        "recurring": recurring,
        **fields,
    }


def metered(price_id: str) -> dict[str, Any]:
    recurring = {"interval": "month", "usage_type": "metered", "meter": "mtr_1"}
    return price(price_id, unit_amount=None, recurring=recurring)


def item(of: dict[str, Any], quantity: int | None = 1) -> dict[str, Any]:
    return {
        "id": f"si_{of['id']}",
        "price": of,
        "quantity": quantity,
        "current_period_start": START,
        "current_period_end": END,
    }


def subscription(*items: dict[str, Any], **fields: object) -> dict[str, Any]:
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": "active",
        "currency": "usd",
        "created": START,
        "items": {"data": list(items or (item(price()),)), "has_more": False},
        **fields,
    }


def state(*items: dict[str, Any], **fields: object) -> SubscriptionState:
    return subscription_state(msgspec.convert(subscription(*items, **fields), Subscription))


def schedule(status: str, *phases: tuple[int, int, str]) -> dict[str, Any]:
    return {
        "id": "sub_sched_1",
        "status": status,
        "phases": [
            {"start_date": start, "end_date": end, "items": [{"price": name, "quantity": 1}]}
            for start, end, name in phases
        ],
    }


def test_a_subscription_is_what_its_licensed_item_says() -> None:
    items = item(metered("price_usage"), None), item(price("price_year", unit_amount=900), 3)
    items[1]["price"]["recurring"] |= {"interval": "year", "interval_count": 2}
    found = state(*items, status="past_due", canceled_at=START + 1.0, trial_end=START)
    assert found == SubscriptionState(
        id="sub_1",
        customer_id="cus_1",
        status=SubscriptionStatus.PAST_DUE,
        price_ids=("price_year", "price_usage"),
        amount=900,
        currency="usd",
        interval=Interval.YEAR,
        interval_count=2,
        quantity=3,
        period_start=START,
        period_end=END,
        created_at=START,
        canceled_at=START + 1.0,
        trial_end=START,
    )


@pytest.mark.parametrize("status", list(SubscriptionStatus))
def test_every_status_is_known(status: SubscriptionStatus) -> None:
    assert state(status=status.value).status is status


@pytest.mark.parametrize(
    ("fields", "cancel_at"),
    [
        ({}, None),
        ({"cancel_at_period_end": True, "cancel_at": END}, END),
        ({"cancel_at_period_end": True}, END),
        ({"cancel_at": LATER}, LATER),  # as the portal sets it
        ({"schedule": schedule("active", (START, LATER, "price_1")) | ENDS}, LATER),
        ({"schedule": schedule("released", (START, LATER, "price_1")) | ENDS}, None),
    ],
)
def test_when_it_ends(fields: dict[str, Any], cancel_at: float | None) -> None:
    assert state(**fields).cancel_at == cancel_at


@pytest.mark.parametrize(
    ("found", "scheduled"),
    [
        (None, None),
        (schedule("active", (START, END, "price_1")), None),
        (schedule("active", (START, END, "price_1"), (END, LATER, "price_1")), None),
        (
            schedule("active", (START, END, "price_1"), (END, LATER, "price_2")),
            ScheduledChange("price_2", END),
        ),
        (
            schedule(
                "not_started",
                (START, END, "price_1"),
                (END, LATER, "price_1"),
                (LATER, LATER + 1, "price_3"),
            ),
            ScheduledChange("price_3", LATER),
        ),
        (schedule("released", (START, END, "price_1"), (END, LATER, "price_2")), None),
        (schedule("active", (START - 9, START, "price_0"), (START, END, "price_1")), None),
    ],
)
def test_what_is_scheduled(found: dict[str, Any] | None, scheduled: ScheduledChange | None) -> None:
    assert state(schedule=found).scheduled == scheduled


@pytest.mark.parametrize(
    ("exact", "amount"), [("0.5", 0), ("1.5", 2), ("199.4", 199), (None, 0), ("12", 12)]
)
def test_amounts_are_whole_minor_units(exact: str | None, amount: int) -> None:
    found = item(price(unit_amount=None, unit_amount_decimal=exact))
    assert state(found).amount == amount


@pytest.mark.parametrize(
    ("status", "paid", "intent", "told"),
    [
        ("open", "unpaid", None, CheckoutStatus.OPEN),
        ("expired", "unpaid", None, CheckoutStatus.EXPIRED),
        ("complete", "paid", {"id": "pi_1", "status": "succeeded"}, CheckoutStatus.PAID),
        ("complete", "no_payment_required", None, CheckoutStatus.PAID),
        ("complete", "unpaid", {"id": "pi_1", "status": "processing"}, CheckoutStatus.PAYING),
        ("complete", "unpaid", {"id": "pi_1", "status": "requires_payment_method"}, "failed"),
        ("complete", "unpaid", {"id": "pi_1", "status": "canceled"}, CheckoutStatus.FAILED),
        ("complete", "unpaid", "pi_1", CheckoutStatus.PAYING),
    ],
)
def test_how_a_checkout_stands(status: str, paid: str, intent: object, told: str) -> None:
    session = {
        "id": "cs_1",
        "status": status,
        "payment_status": paid,
        "payment_intent": intent,
        "amount_total": 500,
        "currency": "eur",
        "customer_details": {"email": "a@example.com"},
    }
    found = checkout_state(msgspec.convert(session, Session))
    assert found.status == told
    assert (found.amount, found.currency, found.email) == (500, "eur", "a@example.com")
    assert found.payment_id == ("pi_1" if intent else None)


@pytest.mark.parametrize("refunded", [None, 0, 400])
def test_what_went_back_of_a_payment(refunded: int | None) -> None:
    charge = None
    if refunded is not None:
        charge = {"id": "ch_1", "amount": 900, "currency": "usd", "amount_refunded": refunded}
    found = {"id": "pi_1", "amount": 900, "currency": "usd", "latest_charge": charge}
    read = payment_state(msgspec.convert(found, Payment), disputed=True)
    assert read == PaymentState("pi_1", 900, "usd", refunded or 0, disputed=True)


def test_an_account() -> None:
    found = {
        "id": "acct_1",
        "charges_enabled": True,
        "details_submitted": True,
        "email": "shop@example.com",
        "business_profile": {"name": "Shop", "url": None},
    }
    told = account_state(msgspec.convert(found, ConnectedAccount), "read_write")
    assert told == AccountState("acct_1", True, True, "shop@example.com", "Shop", "read_write")
    bare = account_state(msgspec.convert({"id": "acct_2"}, ConnectedAccount))
    assert bare == AccountState("acct_2", charges=False, details_submitted=False)


@pytest.mark.parametrize(
    ("discount", "kept"),
    [
        ({"discount": "di_1", "coupon": "c_1"}, {"discount": "di_1"}),
        ({"coupon": "c_1", "promotion_code": "promo_1"}, {"promotion_code": "promo_1"}),
        ({"coupon": "c_1", "discount": None}, {"coupon": "c_1"}),
    ],
)
def test_a_change_that_waits_keeps_discounts_taxes_and_the_trial(
    discount: dict[str, Any], kept: dict[str, str]
) -> None:
    running = schedule("active", (START, END, "price_1"))
    running["phases"][0] |= {"discounts": [discount], "automatic_tax": {"enabled": True}}
    yearly = price("price_year")
    yearly["recurring"] = {"interval": "year", "interval_count": 1}
    before = subscription(status="trialing", trial_end=END)
    now, then = phases(
        msgspec.convert(running, Schedule),
        msgspec.convert(before, Subscription),
        msgspec.convert(yearly, Price),
        ("price_usage",),
    )
    for phase in (now, then):
        assert (phase["discounts"], phase["automatic_tax"]) == ([kept], {"enabled": True})
    assert (now["start_date"], now["end_date"], now["trial_end"]) == (START, END, END)
    assert now["items"] == [{"price": "price_1", "quantity": 1}]
    assert then["items"] == [{"price": "price_year", "quantity": 1}, {"price": "price_usage"}]
    assert then["billing_cycle_anchor"] == "phase_start"
    same = phases(
        msgspec.convert(schedule("active", (START, END, "price_1")), Schedule),
        msgspec.convert(subscription(), Subscription),
        msgspec.convert(price("price_2"), Price),
        (),
    )
    assert not {"discounts", "automatic_tax", "billing_cycle_anchor", "trial_end"} & {
        *same[0],
        *same[1],
    }

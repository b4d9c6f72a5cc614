"""What subscriptions do to customers: `POST /api/create-checkout`, `POST /webhook/stripe`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.billing.till import ORIGIN, TIERS

from dream_gateway.model import Interval, Overage
from dream_gateway.payments import When
from dream_gateway.records import tiers as records_tiers
from dream_gateway_stripe.testing import Card, StripeFault

if TYPE_CHECKING:
    from tests.billing.till import Till

    from dream_gateway.payments import Account

DAY = 86_400.0


async def test_who_pays_has_the_tier_as_soon_as_it_is_heard_of(till: Till) -> None:
    begun = await till.choose("pro")
    assert (begun["change"], begun["effectiveAt"]) == ("checkout", None)
    assert await till.plan() == "free"
    till.fake.people.check_out(begun["sessionId"])
    assert await till.plan() == "free"
    await till.hear()
    assert (await till.usage())["limit"] == 1_000
    (row,) = await till.rows()
    assert (row.plan, row.status, row.amount, row.currency) == ("pro", "active", 1_900, "usd")


async def test_more_is_at_once_and_usage_is_carried(till: Till) -> None:
    await till.subscribe("basic")
    began = await till.customer()
    tracked = await till.post("/api/data", cost=40)
    assert tracked.status_code == 200
    begun = await till.choose("pro")
    assert (begun["change"], begun["sessionId"], begun["effectiveAt"]) == ("now", None, None)
    assert begun["url"] == "https://shop.example.com/"
    # It did not take a webhook.
    usage = await till.usage()
    assert (usage["plan"], usage["limit"]) == ("pro", 1_000)
    assert usage["usageCount"] >= 40  # What is on lease counts as used.
    assert (await till.customer()).anchor == began.anchor
    await till.hear()
    assert await till.plan() == "pro"
    assert len(await till.rows()) == 1


async def test_less_is_with_the_next_period_unless_the_tier_is_chosen_again(till: Till) -> None:
    await till.subscribe("pro")
    begun = await till.choose("basic")
    (row,) = await till.rows()
    assert begun["change"] == "period_end"
    assert row.scheduled_plan == "basic"
    subscription = (await till.usage())["subscription"]
    assert subscription["scheduledAt"] == begun["effectiveAt"] == subscription["currentPeriodEnd"]
    assert (await till.choose("pro"))["change"] == "kept"
    assert (await till.rows())[0].scheduled_plan is None
    await till.choose("basic")
    await till.hear()
    assert await till.plan() == "pro"
    assert row.period_end is not None
    till.clock.set_now(row.period_end + 120)
    await till.hear()
    assert await till.plan() == "basic"
    assert (await till.rows())[0].amount == 900


async def test_what_is_cancelled_is_theirs_until_its_end(till: Till) -> None:
    await till.subscribe("pro")
    (row,) = await till.rows()
    await till.engine.provider.cancel(till.account, row.subscription_id, When.PERIOD_END)
    await till.hear()
    subscription = (await till.usage())["subscription"]
    assert subscription["status"] == "active"
    assert subscription["cancelAt"] == subscription["currentPeriodEnd"]
    assert subscription["canceledAt"] is not None
    assert row.period_end is not None
    till.clock.set_now(row.period_end - 1)
    assert await till.plan() == "pro"
    till.clock.set_now(row.period_end + 1)
    await till.hear()
    usage = await till.usage()
    assert (usage["plan"], usage["limit"]) == ("free", 10)
    assert usage["subscription"]["status"] == "canceled"
    listed = (await till.client.get("/api/customers")).json()["data"][0]
    assert (listed["plan"], listed["subscription"]) == ("free", usage["subscription"])


async def test_who_chooses_the_tier_again_is_not_cancelled_any_more(till: Till) -> None:
    await till.subscribe("pro")
    (row,) = await till.rows()
    await till.engine.provider.cancel(till.account, row.subscription_id, When.PERIOD_END)
    assert (await till.choose("pro"))["change"] == "kept"
    (row,) = await till.rows()
    assert (row.cancel_at, row.canceled_at) == (None, None)
    await till.hear()
    assert await till.plan() == "pro"


async def test_who_cannot_pay_keeps_the_tier_for_the_grace_and_has_it_back(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(till.fake.world.policy, "retries", (3, 5, 14))
    payer = await till.subscribe("pro")
    (row,) = await till.rows()
    till.fake.people.use_card(payer, Card.DECLINES)
    assert row.period_end is not None
    till.clock.set_now(row.period_end + 7_200)
    await till.hear()
    (row,) = await till.rows()
    assert row.status == "past_due"
    since = row.past_due_since
    assert since is not None
    assert await till.plan() == "pro"
    refused = await till.post("/api/create-checkout", tier="basic")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    till.clock.set_now(since + 7 * DAY - 1)
    await till.hear()
    await till.reconcile()
    assert await till.plan() == "pro"
    till.clock.set_now(since + 7 * DAY)
    await till.hear()
    await till.reconcile()
    (row,) = await till.rows()
    assert (row.status, row.past_due_since) == ("past_due", since)
    assert await till.plan() == "free"
    till.fake.people.use_card(payer, Card.WORKS)
    assert till.fake.people.pay_open(payer)
    await till.hear()
    assert await till.plan() == "pro"
    assert (await till.rows())[0].past_due_since is None


async def test_what_is_begun_twice_is_one_checkout_and_another_tier_closes_it(till: Till) -> None:
    first = await till.choose("pro")
    assert await till.choose("pro") == first
    other = await till.choose("basic")
    assert other["sessionId"] != first["sessionId"]
    with pytest.raises(StripeFault):
        till.fake.people.check_out(first["sessionId"])
    again = await till.choose("pro")
    assert again["sessionId"] not in {first["sessionId"], other["sessionId"]}
    till.fake.people.check_out(again["sessionId"])
    await till.hear()
    assert await till.plan() == "pro"


async def test_a_checkout_that_was_paid_and_not_heard_of_is_no_second_one(till: Till) -> None:
    begun = await till.choose("pro")
    till.fake.people.check_out(begun["sessionId"])
    assert (await till.choose("pro"))["change"] == "kept"
    assert await till.plan() == "pro"


async def test_what_is_paid_as_it_is_closed_is_no_second_one(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await till.choose("pro")
    expire = till.engine.provider.expire

    async def too_late(account: Account, session_id: str) -> None:
        if session_id == begun["sessionId"]:
            till.fake.people.check_out(session_id)
        await expire(account, session_id)

    monkeypatch.setattr(till.engine.provider, "expire", too_late)
    refused = await till.post("/api/create-checkout", tier="basic")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    await till.hear()
    assert await till.plan() == "pro"
    assert len(await till.rows()) == 1
    assert (await till.choose("basic"))["change"] == "period_end"


async def test_what_was_paid_and_ended_unheard_does_not_keep_from_another(till: Till) -> None:
    begun = await till.choose("pro")
    paid = till.fake.people.check_out(begun["sessionId"])
    await till.engine.provider.cancel(till.account, paid["subscription"], When.NOW)
    assert (await till.choose("pro"))["change"] == "checkout"
    assert (await till.choose("basic"))["change"] == "checkout"


async def test_a_trial_is_given_once(till: Till) -> None:
    tiers = [replace(tier, trial_days=14 if tier.name == "pro" else 0) for tier in TIERS]
    async with till.gateway.records.write("test") as writer:
        for tier in tiers:
            await records_tiers.put(writer, till.project.id, tier)
    await till.subscribe("pro")
    (row,) = await till.rows()
    assert (row.status, row.trial_end) == ("trialing", till.clock.now() + 14 * DAY)
    assert await till.plan() == "pro"
    await till.engine.provider.cancel(till.account, row.subscription_id, When.NOW)
    await till.hear()
    assert await till.plan() == "free"
    await till.subscribe("pro")
    assert (await till.rows())[0].status == "active"


async def test_nothing_is_sold_where_the_account_is_gone_and_what_is_there_stays(
    till: Till, caplog: pytest.LogCaptureFixture
) -> None:
    await till.subscribe("pro")
    assert till.account.id is not None
    till.fake.people.revoke(till.account.id)
    await till.hear()
    assert "was disconnected at the provider" in caplog.text
    for path, body in (("/api/create-checkout", {"tier": "basic"}), ("/api/customer-portal", {})):
        refused = await till.post(path, **body)
        assert (refused.status_code, refused.json()["code"]) == (409, "billing_account_missing")
    (row,) = await till.rows()
    assert row.period_end is not None
    till.clock.set_now(row.period_end + DAY)
    await till.reconcile()
    usage = await till.usage()
    assert (usage["plan"], usage["subscription"]["status"]) == ("pro", "active")


async def test_the_portal_is_for_those_who_paid(till: Till) -> None:
    refused = await till.post("/api/customer-portal")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    await till.subscribe("pro")
    answer = await till.post("/api/customer-portal", returnUrl=f"{ORIGIN}/account")
    assert answer.status_code == 200, answer.text
    assert answer.json()["url"].startswith(till.fake.base_url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        "https://shop.example.com.evil.example.com/",
        "https://shop.example.com@evil.example.com/",
        "https://shop.example.com:8443/",
        "http://shop.example.com/",
        "https://shop.example.com\\@evil.example.com/",
        "//shop.example.com/",
        "javascript:alert(1)",
    ],
)
async def test_422_for_a_url_of_somebody_else(till: Till, url: str) -> None:
    for path, body, pointer in (
        ("/api/create-checkout", {"tier": "pro", "successUrl": url}, "/successUrl"),
        ("/api/create-checkout", {"tier": "pro", "cancelUrl": url}, "/cancelUrl"),
        ("/api/customer-portal", {"returnUrl": url}, "/returnUrl"),
    ):
        answer = await till.post(path, **body)
        assert answer.status_code == 422, answer.text
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("body", [{"tier": "free"}, {"tier": "none"}, {"tier": "pro", "price": 1}])
async def test_422_for_what_is_not_sold_and_for_a_price_of_ones_own(
    till: Till, body: dict[str, Any]
) -> None:
    answer = await till.post("/api/create-checkout", **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    "terms",
    [
        {"price": 100},
        {"currency": "eur"},
        {"billing_interval": Interval.YEAR},
        {"overage": Overage(5)},
    ],
)
async def test_409_for_a_tier_that_is_not_at_the_provider_as_it_is(
    till: Till, terms: dict[str, Any]
) -> None:
    async with till.gateway.records.write("test") as writer:
        await records_tiers.put(writer, till.project.id, replace(TIERS[2], **terms))
    refused = await till.post("/api/create-checkout", tier="pro")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


async def test_503_while_the_provider_is_away_and_nothing_is_ordered(till: Till) -> None:
    till.fake.fail("/v1/checkout/sessions", times=3)
    refused = await till.post("/api/create-checkout", tier="pro")
    assert (refused.status_code, refused.json()["code"]) == (503, "billing_unavailable")
    begun = await till.choose("pro")
    till.fake.people.check_out(begun["sessionId"])
    await till.hear()
    assert len(await till.rows()) == 1

"""What is taken for Stripe's, and what it is about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import WebhookSignature

from dream_gateway.errors import InvalidCredentialError, InvalidRequestError
from dream_gateway.payments import About, Account, Endpoint, Event
from dream_gateway_stripe.billing import StripeBilling
from dream_gateway_stripe.settings import StripeSettings, configured

NOW = 1_790_000_000.0
CONNECT, PLATFORM = "whsec_connect", "whsec_platform"

billing = StripeBilling(
    configured(
        StripeSettings(
            secret_key="sk_test_1",
            webhook_secret=f"whsec_new,{CONNECT}",
            platform_webhook_secret=PLATFORM,
        ),
        {},
    )
)


def told(kind: str, thing: dict[str, Any], **fields: object) -> str:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": int(NOW) - 5,
        "livemode": True,
        "account": "acct_1",
        "data": {"object": thing},
    }
    return json.dumps({**event, **fields})


def signed(body: str, secret: str = CONNECT, at: float = NOW) -> dict[str, str]:
    header = WebhookSignature.generate_signature_header(body, secret, int(at))
    return {"stripe-signature": header}


def read(body: str, endpoint: Endpoint = Endpoint.CONNECT) -> Event:
    secret = CONNECT if endpoint is Endpoint.CONNECT else PLATFORM
    return billing.read_event(endpoint, signed(body, secret), body.encode(), NOW)


SUBSCRIPTION = told("customer.subscription.updated", {"id": "sub_1", "metadata": {"x": "y"}})


def test_an_event_names_its_account_and_its_object_and_nothing_else() -> None:
    assert read(SUBSCRIPTION) == Event(
        id="evt_1",
        type="customer.subscription.updated",
        account=Account("acct_1", live=True),
        created_at=NOW - 5,
        about=About.SUBSCRIPTION,
        ref="sub_1",
    )


@pytest.mark.parametrize(
    ("kind", "thing", "about", "ref"),
    [
        ("customer.subscription.deleted", {"id": "sub_1"}, About.SUBSCRIPTION, "sub_1"),
        ("customer.subscription.trial_will_end", {"id": "sub_1"}, About.SUBSCRIPTION, "sub_1"),
        ("subscription_schedule.updated", {"subscription": "sub_1"}, About.SUBSCRIPTION, "sub_1"),
        (
            "subscription_schedule.released",
            {"subscription": None, "released_subscription": "sub_1"},
            About.SUBSCRIPTION,
            "sub_1",
        ),
        (
            "invoice.payment_failed",
            {"id": "in_1", "parent": {"subscription_details": {"subscription": "sub_1"}}},
            About.SUBSCRIPTION,
            "sub_1",
        ),
        (
            "invoice.paid",
            {"parent": {"subscription_details": {"subscription": {"id": "sub_1"}}}},
            About.SUBSCRIPTION,
            "sub_1",
        ),
        ("invoice.paid", {"id": "in_1", "parent": None}, About.NOTHING, ""),
        ("checkout.session.expired", {"id": "cs_1"}, About.CHECKOUT, "cs_1"),
        ("charge.refunded", {"id": "ch_1", "payment_intent": "pi_1"}, About.PAYMENT, "pi_1"),
        ("charge.dispute.closed", {"id": "dp_1", "payment_intent": "pi_1"}, About.PAYMENT, "pi_1"),
        ("refund.updated", {"id": "re_1", "payment_intent": "pi_1"}, About.PAYMENT, "pi_1"),
        ("charge.succeeded", {"id": "ch_1", "payment_intent": None}, About.NOTHING, ""),
        ("payment_intent.succeeded", {"id": "pi_1"}, About.PAYMENT, "pi_1"),
        ("account.updated", {"id": "acct_1"}, About.ACCOUNT, "acct_1"),
        ("product.updated", {"id": "prod_1"}, About.CATALOGUE, "prod_1"),
        ("price.created", {"id": "price_1", "product": "prod_1"}, About.CATALOGUE, "prod_1"),
        ("customer.deleted", {"id": "cus_1"}, About.CUSTOMER, "cus_1"),
        ("customer.discount.created", {"id": "di_1"}, About.NOTHING, ""),
        ("payout.paid", {"id": "po_1"}, About.NOTHING, ""),
        ("customer.subscription.created", {"id": 7}, About.NOTHING, ""),
    ],
)
def test_what_events_are_about(kind: str, thing: dict[str, Any], about: About, ref: str) -> None:
    event = read(told(kind, thing))
    assert (event.about, event.ref, event.gone) == (about, ref, False)


def test_an_account_that_is_gone_is_the_events_own() -> None:
    event = read(told("account.application.deauthorized", {"id": "ca_1", "object": "application"}))
    assert (event.about, event.ref, event.gone) == (About.ACCOUNT, "acct_1", True)


def test_each_endpoint_has_its_own_secrets_and_events() -> None:
    own = told("invoice.paid", {"parent": None}, account=None, livemode=False)
    assert read(own, Endpoint.PLATFORM).account == Account(None, live=False)
    for body, endpoint in ((own, Endpoint.CONNECT), (SUBSCRIPTION, Endpoint.PLATFORM)):
        with pytest.raises(InvalidRequestError, match="other kind of endpoint"):
            read(body, endpoint)
    with pytest.raises(InvalidCredentialError):
        billing.read_event(Endpoint.PLATFORM, signed(own, CONNECT), own.encode(), NOW)


def test_both_secrets_are_taken_while_one_is_changed_and_any_of_the_signatures() -> None:
    at = int(NOW)
    other = WebhookSignature.generate_signature_header(SUBSCRIPTION, "whsec_gone", at)
    for secret in ("whsec_new", CONNECT):
        good = signed(SUBSCRIPTION, secret)["stripe-signature"].partition(",")[2]
        both = {"stripe-signature": f"{other},{good},v0=ff"}
        read_one = billing.read_event(Endpoint.CONNECT, both, SUBSCRIPTION.encode(), NOW)
        assert read_one.id == "evt_1"


@pytest.mark.parametrize(
    ("ahead", "taken"), [(-301, False), (-300, True), (300, True), (301, False)]
)
def test_only_what_is_of_this_time_is_taken(ahead: float, taken: bool) -> None:
    headers, body = signed(SUBSCRIPTION, at=NOW + ahead), SUBSCRIPTION.encode()
    if taken:
        assert billing.read_event(Endpoint.CONNECT, headers, body, NOW).id == "evt_1"
        return
    with pytest.raises(InvalidCredentialError):
        billing.read_event(Endpoint.CONNECT, headers, body, NOW)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1790000000",
        "v1=00",
        "t=,v1=00",
        "t=x,v1=00",
        "t=\u0661\u0667,v1=00",
        "t=1790000000,v1=\u00e9",
        "t=1790000000,v0={good}",
        "t=1790000001,v1={good}",
        "t=-1790000000,v1={good}",
        "t={long},v1={good}",
    ],
)
def test_what_is_not_signed_by_stripe_is_refused_like_any_other(header: str) -> None:
    good = signed(SUBSCRIPTION)["stripe-signature"].partition("v1=")[2]
    headers = {"stripe-signature": header.format(good=good, long="9" * 5000)}
    with pytest.raises(InvalidCredentialError) as refused:
        billing.read_event(Endpoint.CONNECT, headers, SUBSCRIPTION.encode(), NOW)
    assert refused.value.detail == InvalidCredentialError.title


@given(at=st.integers(0, len(SUBSCRIPTION) - 1), flip=st.integers(1, 255))
def test_a_body_that_was_changed_anywhere_is_refused(at: int, flip: int) -> None:
    body = bytearray(SUBSCRIPTION.encode())
    body[at] ^= flip
    with pytest.raises(InvalidCredentialError):
        billing.read_event(Endpoint.CONNECT, signed(SUBSCRIPTION), bytes(body), NOW)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"id":"e"}', told("x", {}, data=1), "\x00"])
def test_what_stripe_signed_and_nobody_can_read_is_told(body: str) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        read(body)


def test_without_a_secret_nothing_is_taken() -> None:
    bare = StripeBilling(configured(StripeSettings(secret_key="sk_test_1"), {}))
    with pytest.raises(InvalidCredentialError):
        bare.read_event(Endpoint.CONNECT, signed(SUBSCRIPTION, ""), SUBSCRIPTION.encode(), NOW)

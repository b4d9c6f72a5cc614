"""The fake is as strict as the library's own types, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stripe

from dream_gateway.testing import FakeClock
from dream_gateway_stripe.testing import ContractError, FakeStripe
from dream_gateway_stripe.testing.contract import check_answer, read_params
from dream_gateway_stripe.testing.contract.checks import Violation
from dream_gateway_stripe.testing.fake import contract
from dream_gateway_stripe.testing.routes import ROUTES
from dream_gateway_stripe.testing.world import API_VERSION

if TYPE_CHECKING:
    from typing import Any

    from tests.plugins.stripe.testing.conftest import Shop


def test_it_is_of_the_version_that_the_library_speaks() -> None:
    assert stripe.api_version == API_VERSION


def test_every_call_of_the_library_is_found() -> None:
    assert len(contract().operations) > 550


def test_the_fake_does_nothing_that_stripe_does_not() -> None:
    assert not set(ROUTES) - set(contract().operations)


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"currency": "usd", "unit_amont": "1"}, "unit_amont"),
        ({"currency": "usd", "recurring": {"intervall": "month"}}, "recurring[intervall]"),
        ({"currency": "usd", "recurring": {"interval": "fortnight"}}, "recurring[interval]"),
        ({"currency": "usd", "unit_amount": "9.99"}, "unit_amount"),
        ({"currency": "usd", "active": "yes"}, "active"),
        ({"currency": "usd", "tiers": "many"}, "tiers"),
        ({"currency": "usd", "recurring": "monthly"}, "recurring"),
        ({"unit_amount": "1"}, "currency"),
        # An option of the client, which goes into a header and never into a body.
        ({"currency": "usd", "stripe_account": "acct_1"}, "stripe_account"),
    ],
)
def test_a_request_that_is_not_as_declared(sent: dict[str, Any], wrong: str) -> None:
    operation = contract().operations["post", "/v1/prices"]
    with pytest.raises(Violation) as caught:
        read_params(contract(), operation, sent)
    assert caught.value.where == wrong


def test_texts_get_the_types_that_are_declared() -> None:
    operation = contract().operations["post", "/v1/subscriptions/{subscription_exposed_id}"]
    sent = {
        "cancel_at_period_end": "true",
        "cancel_at": "",
        "trial_end": "now",
        "items": [{"id": "si_1", "quantity": "2"}],
        "metadata": {"a": "1"},
    }
    assert read_params(contract(), operation, sent) == {
        "cancel_at_period_end": True,
        "cancel_at": "",
        "trial_end": "now",
        "items": [{"id": "si_1", "quantity": 2}],
        "metadata": {"a": "1"},
    }


LINK = {"object": "account_link", "created": 1, "expires_at": 2, "url": "https://x.example.com"}


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ({**LINK, "uri": "x"}, "uri"),
        ({k: v for k, v in LINK.items() if k != "url"}, "url"),
        ({**LINK, "created": "1"}, "created"),
        ({**LINK, "created": True}, "created"),
        ({**LINK, "object": "link"}, "object"),
        ({**LINK, "url": None}, "url"),
    ],
)
def test_an_answer_that_is_not_as_declared(answer: dict[str, Any], wrong: str) -> None:
    operation = contract().operations["post", "/v1/account_links"]
    check_answer(contract(), operation, LINK)
    with pytest.raises(Violation) as caught:
        check_answer(contract(), operation, answer)
    assert caught.value.where == wrong


def test_an_answer_is_checked_as_deep_as_it_goes() -> None:
    operation = contract().operations["get", "/v1/account"]
    good: dict[str, Any] = {"id": "acct_1", "object": "account", "business_profile": {"name": "x"}}
    check_answer(contract(), operation, good)
    good["business_profile"]["nom"] = "x"
    with pytest.raises(Violation, match="nom"):
        check_answer(contract(), operation, good)


async def test_a_misspelt_parameter_fails_the_request_and_the_test(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await shop.v1.customers.create_async({"emial": "ada@example.com"}, shop.options)
    assert (caught.value.http_status, caught.value.param) == (400, "emial")
    with pytest.raises(ContractError, match="emial"):
        shop.fake.check()
    assert shop.fake.forgive() == ["post /v1/customers: emial: unknown parameter"]


def test_leaving_the_block_fails_if_something_was_wrong() -> None:
    with pytest.raises(ContractError, match="nonsense"), FakeStripe(clock=FakeClock()) as fake:  # noqa: PT012
        client = stripe.StripeClient(
            fake.keys().secret,
            base_addresses=fake.base_addresses,  # type: ignore[arg-type] # a dict is one
        )
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.products.list({"nonsense": 1})  # type: ignore[arg-type] # on purpose


async def test_what_the_fake_cannot_do_is_not_passed_over(shop: Shop) -> None:
    price = await shop.price(500)
    with pytest.raises(stripe.InvalidRequestError, match="discounts"):
        await shop.session(price, discounts=[{"coupon": "ten"}])
    with pytest.raises(stripe.InvalidRequestError, match="does not do"):
        await shop.v1.payouts.create_async({"amount": 1, "currency": "usd"}, shop.options)
    assert len(shop.fake.forgive()) == 2

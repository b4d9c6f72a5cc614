"""The plugin on a fake Stripe over HTTP: one for each file, with an account for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dream_gateway.payments import Account
from dream_gateway.testing import FakeClock
from dream_gateway_stripe.billing import StripeBilling
from dream_gateway_stripe.settings import StripeSettings, configured
from dream_gateway_stripe.testing import FakeStripe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

START = 1_790_000_000.0


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture(scope="module")
def fake(clock: FakeClock) -> Iterator[FakeStripe]:
    with FakeStripe(clock=clock) as opened:
        opened.connect_webhooks("http://127.0.0.1:9/", "whsec_connect")
        opened.platform_webhooks("http://127.0.0.1:9/", "whsec_platform")
        yield opened


@pytest.fixture
async def billing(fake: FakeStripe) -> AsyncIterator[StripeBilling]:
    opened = StripeBilling(
        configured(
            StripeSettings(
                secret_key=fake.keys(live=True).secret,
                client_id=fake.keys(live=True).client_id,
                test_secret_key=fake.keys().secret,
                test_client_id=fake.keys().client_id,
                webhook_secret="whsec_connect",
                platform_webhook_secret="whsec_platform",
                api_url=fake.base_url,
                connect_url=fake.base_url,
            ),
            {},
        )
    )
    yield opened
    await opened.aclose()


@pytest.fixture
def account(fake: FakeStripe) -> Account:
    return Account(fake.people.connected(), live=False)

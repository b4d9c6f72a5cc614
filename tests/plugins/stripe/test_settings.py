"""The table `[plugins.stripe]` and the environment: what can work, and what cannot."""

from __future__ import annotations

import pytest

from dream_gateway.errors import ConfigurationError
from dream_gateway.payments import Account
from dream_gateway.plugins import Plugins
from dream_gateway_stripe.settings import VARIABLES, ModeKeys, StripeSettings, configured

LIVE, TEST = "sk_live_1", "sk_test_1"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


def test_the_environment_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "STRIPE_SECRET_KEY": " sk_test_new, sk_test_old ",
        "STRIPE_CLIENT_ID": "ca_1",
        "STRIPE_WEBHOOK_SECRET": "whsec_a,whsec_b",
        "STRIPE_PLATFORM_WEBHOOK_SECRET": "whsec_c",
        "STRIPE_PRICE_ID": "price_1",
        "FRONTEND_URL": "http://localhost:3000",
    }.items():
        monkeypatch.setenv(name, value)
    (billing,) = Plugins({"stripe": {}}).billings()
    assert billing.name == "stripe"
    assert billing.operator_account == Account(None, live=False)
    assert billing.plan_price_id == "price_1"
    assert billing.frontend_url == "http://localhost:3000"
    assert billing.connect_url("s", "https://x.example.com", live=False).startswith(
        "https://connect.stripe.com/oauth/authorize?response_type=code&client_id=ca_1"
    )


def test_the_table_goes_before_the_environment() -> None:
    found = configured(
        StripeSettings(secret_key="sk_live_new,rk_live_old", client_id="ca_live"),
        {"STRIPE_SECRET_KEY": TEST, "STRIPE_TEST_SECRET_KEY": TEST, "FRONTEND_URL": ""},
    )
    assert found.live
    assert found.modes == {
        True: ModeKeys(("sk_live_new", "rk_live_old"), "ca_live"),
        False: ModeKeys((TEST,)),
    }
    assert (found.connect_secrets, found.platform_secrets) == ((), ())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"secret_key": ""}, "secret_key is missing; .*STRIPE_SECRET_KEY"),
        ({"secret_key": " , "}, "secret_key is missing"),
        ({"secret_key": "pk_live_1"}, "secret_key: secret keys of Stripe's"),
        ({"secret_key": f"{LIVE},{TEST}"}, "all of one mode"),
        ({"test_secret_key": LIVE}, "test_secret_key: a test key, beside a live one"),
        ({"secret_key": TEST, "test_secret_key": TEST}, "beside a live one"),
        ({"webhook_secret": "whsec_a,secret"}, r"\.webhook_secret: signing secrets"),
        ({"platform_webhook_secret": LIVE}, "platform_webhook_secret: signing secrets"),
        ({"api_url": "http://api.example.com"}, "api_url: a URL with https"),
        ({"api_url": ""}, "api_url: a URL with https"),
        ({"connect_url": "https://u:p@connect.example.com"}, "connect_url"),
        ({"frontend_url": "https://[::1"}, "frontend_url: not a URL"),
        ({"timeout": 0}, "timeout: Expected"),
        ({"secret": "x"}, "secret: no such setting"),
    ],
)
def test_what_cannot_work_is_told_without_the_secret(given: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as refused:
        Plugins({"stripe": {"secret_key": LIVE, **given}}).billings()
    assert not any(secret in refused.value.detail for secret in (LIVE, TEST, "pk_live_1"))

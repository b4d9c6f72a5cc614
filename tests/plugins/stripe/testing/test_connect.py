"""Accounts: connected by OAuth or made for somebody, and disconnected by either side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe
from tests.plugins.stripe.testing.conftest import client_of

from dream_gateway_stripe.testing import StripeFault
from dream_gateway_stripe.testing.faults import OAuthFault

if TYPE_CHECKING:
    from dream_gateway_stripe.testing import FakeStripe

BACK = "https://gateway.example.com/oauth/callback"


def page(fake: FakeStripe, *, live: bool = False, **more: str) -> str:
    """Return the address where an owner is asked."""
    params: Any = {"scope": "read_write", "state": "s", "redirect_uri": BACK, **more}
    keys = fake.keys(live=live)
    return stripe.OAuth.authorize_url(client_id=keys.client_id, response_type="code", **params)


def code_in(url: str) -> str:
    query = parse_qs(urlsplit(url).query)
    assert query["state"] == ["s"]
    return query["code"][0]


async def exchanged(fake: FakeStripe, code: str, *, live: bool = False) -> Any:
    answer = await client_of(fake, live=live).raw_request_async(
        "post", "/oauth/token", base="connect", grant_type="authorization_code", code=code
    )
    return answer.data


async def test_a_code_connects_once(fake: FakeStripe) -> None:
    account = fake.people.owner()
    code = code_in(fake.people.allow(page(fake), account))
    taken = await exchanged(fake, code)
    assert (taken["stripe_user_id"], taken["livemode"]) == (account, False)
    found = await client_of(fake).v1.accounts.retrieve_async(account)
    assert found.charges_enabled
    with pytest.raises(stripe.oauth_error.InvalidGrantError):
        await exchanged(fake, code)


async def test_a_code_is_of_one_mode_and_soon_too_old(fake: FakeStripe) -> None:
    account = fake.people.owner()
    code = code_in(fake.people.allow(page(fake, live=True), account))
    with pytest.raises(stripe.oauth_error.InvalidGrantError):
        await exchanged(fake, code)
    assert (await exchanged(fake, code, live=True))["livemode"] is True
    late = code_in(fake.people.allow(page(fake), account))
    fake.advance(301)
    with pytest.raises(stripe.oauth_error.InvalidGrantError):
        await exchanged(fake, late)


def test_an_owner_may_say_no(fake: FakeStripe) -> None:
    query = parse_qs(urlsplit(fake.people.deny(page(fake))).query)
    assert (query["error"], query["state"]) == (["access_denied"], ["s"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "ca_other"},
        {"scope": "everything"},
        {"redirect_uri": "javascript:alert(1)"},
        {"response_type": "token"},
    ],
)
def test_a_request_to_connect_that_is_bad(fake: FakeStripe, wrong: dict[str, str]) -> None:
    url = page(fake)
    for name, value in wrong.items():
        had = parse_qs(urlsplit(url).query)[name][0]
        url = url.replace(f"{name}={stripe_quoted(had)}", f"{name}={value}")
    with pytest.raises(OAuthFault):
        fake.people.allow(url, fake.people.owner())


def stripe_quoted(text: str) -> str:
    return text.replace(":", "%3A").replace("/", "%2F")


async def test_the_platform_disconnects(fake: FakeStripe) -> None:
    account = fake.people.connected()
    client = client_of(fake)
    params = {"client_id": fake.keys().client_id, "stripe_user_id": account}
    await client.raw_request_async("post", "/oauth/deauthorize", base="connect", **params)
    with pytest.raises(stripe.PermissionError):
        await client.v1.accounts.retrieve_current_async(None, {"stripe_account": account})
    with pytest.raises(stripe.oauth_error.OAuthError):
        await client.raw_request_async("post", "/oauth/deauthorize", base="connect", **params)


def test_an_owner_disconnects_one_mode(fake: FakeStripe) -> None:
    account = fake.people.connected()
    fake.people.connected(live=True, account=account)
    fake.people.revoke(account, live=True)
    (told,) = fake.pending()
    assert (told.type, told.event["account"], told.event["livemode"]) == (
        "account.application.deauthorized",
        account,
        True,
    )
    assert (account, False) in fake.world.connected


async def test_an_account_is_made_and_completed_by_its_link(fake: FakeStripe) -> None:
    client = client_of(fake)
    made = await client.v1.accounts.create_async({"type": "standard", "email": "ada@example.com"})
    assert (made.charges_enabled, made.details_submitted) == (False, False)
    params: Any = {
        "account": made.id,
        "type": "account_onboarding",
        "return_url": f"{BACK}?done",
        "refresh_url": f"{BACK}?again",
    }
    link = await client.v1.account_links.create_async(params)
    assert fake.people.onboard(link.url) == f"{BACK}?done"
    assert (await client.v1.accounts.retrieve_async(made.id)).charges_enabled
    assert fake.pending()[-1].type == "account.updated"
    with pytest.raises(StripeFault):
        fake.people.onboard(link.url)
    late = await client.v1.account_links.create_async(params)
    fake.advance(301)
    with pytest.raises(StripeFault):
        fake.people.onboard(late.url)

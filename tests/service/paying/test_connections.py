"""`/oauth/authorize`, `/oauth/callback` and `/platform/connections`, against the fake Stripe."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dream_gateway.billing.connections import STATE_SECONDS

if TYPE_CHECKING:
    import httpx
    from tests.service.conftest import Developer

    from dream_gateway.testing.clock import FakeClock
    from dream_gateway_stripe.testing import FakeStripe

AUTHORIZE, CALLBACK, CONNECTIONS = "/oauth/authorize", "/oauth/callback", "/platform/connections"


class Way:
    """A developer on their way to Stripe and back."""

    def __init__(self, developer: Developer, fake: FakeStripe) -> None:
        self.client = developer.client
        self.fake = fake
        self.account = fake.people.owner()
        self.cookie = ""

    async def begin(self, **more: Any) -> str:
        answer = await self.client.post(AUTHORIZE, json={"mode": "test", **more})
        assert answer.status_code == 200, answer.text
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        self.url: str = answer.json()["url"]
        return self.fake.people.allow(self.url, self.account)

    async def come(
        self, anybody: httpx.AsyncClient, url: str, cookie: str | None
    ) -> httpx.Response:
        headers = {} if cookie is None else {"cookie": cookie}
        parts = urlsplit(url)
        return await anybody.get(f"{parts.path}?{parts.query}", headers=headers)

    async def state(self, mode: str = "test") -> dict[str, Any] | None:
        listed = (await self.client.get(CONNECTIONS)).json()["connections"]
        return next((each for each in listed if each["mode"] == mode), None)


@pytest.fixture
def way(ada: Developer, fake: FakeStripe) -> Way:
    return Way(ada, fake)


@pytest.fixture
def other(grace: Developer, fake: FakeStripe) -> Way:
    return Way(grace, fake)


def of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def test_303_in_the_browser_that_began(way: Way, anybody: httpx.AsyncClient) -> None:
    back = await way.begin(returnUrl="https://app.example.com/money?tab=1")
    assert urlsplit(back).path == CALLBACK
    answer = await way.come(anybody, back, way.cookie)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "https://app.example.com/money?tab=1&connected=test"
    found = await way.state()
    assert found is not None
    assert (found["accountId"], found["status"], found["charges"]) == (way.account, "active", True)
    assert await way.state("live") is None
    cookie = SimpleCookie(answer.headers["set-cookie"])["dg_connect"]
    assert cookie["max-age"] == "0"


async def test_200_with_the_developers_token(way: Way) -> None:
    back = of(await way.begin(redirectUrl="https://app.example.com/back"))
    body = {"code": back["code"], "state": back["state"]}
    answer = await way.client.post(CALLBACK, json=body)
    assert (answer.status_code, answer.json()["accountId"]) == (200, way.account)


class TestRefused:
    """Who may not end a way."""

    async def test_400_another_browser(self, way: Way, anybody: httpx.AsyncClient) -> None:
        back = await way.begin()
        for cookie in (None, "", "dg_connect=other", "dg_connect"):
            answer = await way.come(anybody, back, cookie)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_code")
        assert await way.state() is None
        # Others cannot use it up either.
        assert (await way.come(anybody, back, way.cookie)).status_code == 200

    async def test_400_another_developer(self, way: Way, other: Way) -> None:
        back = of(await way.begin())
        body = {"code": back["code"], "state": back["state"]}
        answer = await other.client.post(CALLBACK, json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_code")
        # It is used up: whoever it was stolen from begins again.
        assert (await way.client.post(CALLBACK, json=body)).status_code == 400
        assert await way.state() is None
        assert await other.state() is None

    async def test_400_a_second_time(self, way: Way, anybody: httpx.AsyncClient) -> None:
        back = await way.begin()
        assert (await way.come(anybody, back, way.cookie)).status_code == 200
        assert (await way.come(anybody, back, way.cookie)).status_code == 400

    async def test_400_after_ten_minutes(
        self, way: Way, anybody: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        back = await way.begin()
        clock.advance(STATE_SECONDS)
        assert (await way.come(anybody, back, way.cookie)).status_code == 400
        assert await way.state() is None

    async def test_400_a_code_that_stripe_does_not_know(
        self, way: Way, anybody: httpx.AsyncClient
    ) -> None:
        back = (await way.begin()).replace("code=", "code=x")
        answer = await way.come(anybody, back, way.cookie)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_code")

    async def test_303_a_developer_who_says_no(self, way: Way, anybody: httpx.AsyncClient) -> None:
        await way.begin(returnUrl="https://app.example.com/")
        answer = await way.come(anybody, way.fake.people.deny(way.url), way.cookie)
        assert answer.status_code == 303
        assert answer.headers["location"] == "https://app.example.com/?error=access_denied"
        assert await way.state() is None

    async def test_409_beside_another_account(self, way: Way, anybody: httpx.AsyncClient) -> None:
        await way.come(anybody, await way.begin(), way.cookie)
        way.account = way.fake.people.owner()
        answer = await way.come(anybody, await way.begin(), way.cookie)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_204_disconnected_and_connected_to_another(
    way: Way, anybody: httpx.AsyncClient
) -> None:
    await way.come(anybody, await way.begin(), way.cookie)
    assert (await way.client.delete(f"{CONNECTIONS}/test")).status_code == 204
    found = await way.state()
    assert found is not None
    assert (found["status"], found["charges"]) == ("deauthorized", False)
    answer = await way.client.delete(f"{CONNECTIONS}/test")
    assert (answer.status_code, answer.json()["code"]) == (409, "billing_account_missing")
    way.account = way.fake.people.owner()
    assert (await way.come(anybody, await way.begin(), way.cookie)).status_code == 200
    assert (await way.client.delete(f"{CONNECTIONS}/none")).status_code == 404


async def test_a_new_account_is_completed_at_stripe(way: Way) -> None:
    path = f"{CONNECTIONS}/test/onboarding"
    body = {"returnUrl": "https://app.example.com/", "refreshUrl": "https://app.example.com/again"}
    first, again = [(await way.client.post(path, json=body)).json() for _ in range(2)]
    assert first["accountId"] == again["accountId"]
    assert first["url"] != again["url"]
    waiting = await way.state()
    assert waiting is not None
    assert (waiting["status"], waiting["charges"]) == ("onboarding", False)
    way.fake.people.onboard(again["url"])
    answer = await way.client.post(f"{CONNECTIONS}/test/refresh")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["charges"]) == ("active", True)
    assert answer.json() == await way.state()


async def test_what_was_revoked_at_stripe_is_told(way: Way, anybody: httpx.AsyncClient) -> None:
    await way.come(anybody, await way.begin(), way.cookie)
    way.fake.people.revoke(way.account)
    answer = await way.client.post(f"{CONNECTIONS}/test/refresh")
    assert (answer.status_code, answer.json()["code"]) == (409, "billing_account_missing")
    found = await way.state()
    assert found is not None
    assert found["status"] == "deauthorized"

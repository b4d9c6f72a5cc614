"""Developers at `/auth/platform`, users that developers create, and two apps never confused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from tests.local.conftest import APP, PASSWORD

from dream_gateway.errors import InvalidCredentialError

if TYPE_CHECKING:
    from tests.local.conftest import Browser, World

ADA = "ada@example.com"


async def developer(world: World, email: str = "dev@example.com") -> Browser:
    browser = world.browser()
    await browser.open("/auth/platform/sign-up")
    await browser.send({"email": email, "new-password": PASSWORD})
    await world.mailed()
    assert world.inbox.link().startswith("/auth/platform/verify?")
    await browser.open(world.inbox.link())
    answer = await browser.send({"password": PASSWORD})
    assert answer.headers["location"] == "/auth/platform/account"
    return browser


async def test_a_developer_signs_up_and_manages_a_platform_with_the_token(world: World) -> None:
    browser = await developer(world)
    answer = await browser.client.post("/auth/platform/token")
    token = answer.json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=world.url, headers=headers, trust_env=False) as client:
        made = await client.post("/platform/sign-up", json={"name": "Weather"})
        assert made.status_code in {200, 201}, made.text
        mine = await client.get("/platform/projects")
        assert mine.status_code == 200
        # It is no user's token, whatever key stands beside it.
        asked = await client.get("/api/usage", headers={"x-publishable-key": world.publishable_key})
        assert asked.status_code == 401


async def test_a_users_token_is_no_developers(world: World) -> None:
    browser = await world.user(ADA)
    token = (await browser.token()).json()["token"]
    answer = await browser.client.get("/platform", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code in {401, 404}
    answer = await browser.client.get(
        "/platform/projects", headers={"authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 401
    tokens = world.site.parts.tokens
    assert await tokens["developers"].verify(token) is None
    assert await tokens["users"].verify(token) is not None


async def test_each_app_has_its_own_issuer_and_keys(world: World) -> None:
    browser = world.browser()
    users = (await browser.open("/.well-known/openid-configuration")).json()
    developers = (await browser.open("/auth/platform/.well-known/openid-configuration")).json()
    assert developers["issuer"] == f"{users['issuer']}/auth/platform"
    one = (await browser.open("/.well-known/jwks.json")).json()["keys"]
    other = (await browser.open("/auth/platform/.well-known/jwks.json")).json()["keys"]
    assert {key["kid"] for key in one}.isdisjoint(key["kid"] for key in other)
    assert all("d" not in key for key in one + other)


@pytest.mark.parametrize("options", [{"developer_origins": [APP]}])
async def test_developers_are_sent_back_without_a_code(world: World) -> None:
    browser = await developer(world)
    answer = await browser.open("/auth/platform/sign-in", redirect_url=f"{APP}/dashboard")
    assert answer.headers["location"] == f"{APP}/dashboard"
    answer = await browser.open("/auth/platform/sign-in", redirect_url="https://evil.example.net/")
    assert answer.status_code == 400


@pytest.mark.parametrize("options", [{"sign_up": False, "developer_sign_up": False}])
async def test_sign_up_can_be_closed(world: World) -> None:
    browser = world.browser()
    for path in (world.path, "/auth/platform"):
        assert (await browser.open(f"{path}/sign-up")).status_code == 403
        assert "/sign-up" not in (await browser.open(f"{path}/sign-in")).text


@pytest.mark.parametrize("options", [{"verify_email": False}])
async def test_without_confirmation_a_sign_up_signs_in_and_a_taken_address_is_refused(
    world: World,
) -> None:
    browser = world.browser()
    assert (await browser.sign_up(ADA)).status_code == 303
    assert await browser.is_signed_in()
    taken = await world.browser().sign_up(ADA, "another password")
    assert taken.status_code == 422
    assert "cannot be signed up" in taken.text


async def test_a_customer_with_a_password_signs_in_and_is_that_customer(world: World) -> None:
    headers = {"authorization": f"Bearer {world.secret_key}"}
    async with httpx.AsyncClient(base_url=world.url, headers=headers, trust_env=False) as client:
        body = {"email": ADA, "password": PASSWORD, "firstName": "Ada", "externalId": "ada"}
        made = await client.post("/api/customers", json=body)
        assert made.status_code == 201, made.text
        again = await client.post("/api/customers", json={**body, "externalId": "other"})
        assert again.status_code == 409
        weak = {"email": "bob@example.com", "password": "short"}
        refused = await client.post("/api/customers", json=weak)
        assert refused.json()["errors"][0]["pointer"] == "/password"
    browser = world.browser()
    assert (await browser.sign_in(ADA)).status_code == 303
    token = (await browser.token()).json()["token"]
    credentials = {"x-publishable-key": world.publishable_key, "authorization": f"Bearer {token}"}
    answer = await browser.client.post("/api/data", headers=credentials)
    assert answer.json()["usage"]["userId"] == "ada"


async def test_somebody_invited_chooses_a_password(world: World) -> None:
    (users,) = world.gateway.plugins.user_administrations()
    await users.invite(ADA, world.publishable_key)
    mail = await world.mailed()
    assert mail.subject == "Your account at Acme Weather"
    browser = world.browser()
    world.clock.advance(6 * 86_400)
    await browser.open(world.inbox.link())
    answer = await browser.send({"new-password": PASSWORD})
    assert "Your password is set" in answer.text
    assert (await browser.sign_in(ADA)).status_code == 303


async def test_a_deleted_user_is_signed_out_and_cannot_sign_in(world: World) -> None:
    browser = await world.user(ADA)
    (users,) = world.gateway.plugins.user_administrations()
    token = (await browser.token()).json()
    await users.delete(token["userId"])
    await users.delete(token["userId"])
    assert not await browser.is_signed_in()
    assert (await world.browser().sign_in(ADA)).status_code == 422


async def test_a_token_that_was_changed_or_is_signed_otherwise_is_refused(world: World) -> None:
    import jwt

    browser = await world.user(ADA)
    token = (await browser.token()).json()["token"]
    verify = world.site.parts.tokens["users"].verify
    head, claims, signature = token.split(".")
    kid = jwt.get_unverified_header(token)["kid"]
    body = jwt.decode(token, options={"verify_signature": False})
    forged = [
        f"{head}.{claims}.{signature[:-6]}AAAAAA",
        jwt.encode(body, "x" * 32, algorithm="HS256", headers={"kid": kid}),
        jwt.encode(body, "", algorithm="none", headers={"kid": kid}),
    ]
    for each in forged:
        with pytest.raises(InvalidCredentialError):
            await verify(each)
    for foreign in ("nonsense", "", "a.b.c", jwt.encode(body, "x" * 32, algorithm="HS256")):
        assert await verify(foreign) is None
    world.clock.advance(301)
    assert await verify(token) is not None  # Within the leeway for clocks.
    world.clock.advance(5)
    with pytest.raises(InvalidCredentialError):
        await verify(token)

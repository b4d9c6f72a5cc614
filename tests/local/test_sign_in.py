"""`/auth/{publishableKey}/...`: whole ways through the pages, over HTTP."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from sqlalchemy import select
from tests.local.conftest import APP, BACK, PASSWORD, World, open_world

from dream_gateway.encryption_keys import mint_key
from dream_gateway_local.tables import accounts, sessions, tickets

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

ADA = "ada@example.com"


def code_in(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(BACK)
    (code,) = parse_qs(urlsplit(answer.headers["location"]).query)["code"]
    return code


async def test_somebody_signs_up_confirms_and_comes_back_with_a_code_that_is_a_token(
    anywhere: World,
) -> None:
    world = anywhere
    browser = world.browser()
    answer = await browser.sign_up(ADA, redirect_url=BACK, state="s 1&x")
    assert "Look into your inbox" in answer.text
    mail = await world.mailed()
    assert (mail.to, mail.subject) == (ADA, "Confirm your address for Acme Weather")
    assert not await browser.is_signed_in()

    await browser.open(world.inbox.link())
    answer = await browser.send({"password": PASSWORD})
    code = code_in(answer)
    assert parse_qs(urlsplit(answer.headers["location"]).query)["state"] == ["s 1&x"]
    assert await browser.is_signed_in()
    assert ADA in browser.shown
    got = (await world.exchange(code, redirectUrl=BACK)).json()
    keys = jwt.PyJWKSet.from_dict((await browser.open("/.well-known/jwks.json")).json())
    key = keys[jwt.get_unverified_header(got["token"])["kid"]]
    claims = jwt.decode(
        got["token"], key, algorithms=["ES256"], options={"verify_exp": False, "verify_iat": False}
    )
    assert claims["publishableKey"] == world.publishable_key
    assert (claims["email"], claims["sub"]) == (ADA, got["userId"])
    assert claims["exp"] - claims["iat"] == 300


async def test_the_token_speaks_for_the_user_and_makes_them_a_customer(world: World) -> None:
    browser = await world.user(ADA)
    token = (await browser.token()).json()["token"]
    credentials = {"x-publishable-key": world.publishable_key, "authorization": f"Bearer {token}"}
    answer = await browser.client.post("/api/data", headers=credentials)
    assert answer.json()["usage"]["usageCount"] == 1
    answer = await browser.client.get("/api/usage", headers=credentials)
    assert answer.json()["plan"] == "free"
    world.clock.advance(306)
    answer = await browser.client.post("/api/data", headers=credentials)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credential")


async def test_a_password_that_is_not_theirs_is_answered_like_an_address_that_is_nobodys(
    world: World,
) -> None:
    await world.user(ADA)
    answers = []
    for email, password in ((ADA, "not her password"), ("bob@example.com", PASSWORD)):
        answer = await world.browser().sign_in(email, password)
        assert answer.status_code == 422
        assert not [name for name in answer.cookies if name.startswith("session")]
        answers.append(re.sub(r'value="[^"]*"', "", answer.text))
    assert answers[0] == answers[1]
    assert "do not fit together" in answers[0]


async def test_signing_up_with_a_taken_address_is_answered_alike_and_changes_nothing(
    world: World,
) -> None:
    await world.user(ADA)
    fresh = await world.browser().sign_up("bob@example.com")
    taken = await world.browser().sign_up(ADA, "another password")
    assert taken.text.replace(ADA, "bob@example.com") == fresh.text
    assert (await world.mailed()).subject.startswith("You already have an account")
    assert (await world.browser().sign_in(ADA, "another password")).status_code == 422
    assert (await world.browser().sign_in(ADA)).status_code == 303


async def test_a_click_alone_confirms_nothing_for_who_signed_up_with_another_ones_address(
    world: World,
) -> None:
    await world.browser().sign_up(ADA, "the attacker's own")
    await world.mailed()
    owner = world.browser()
    await owner.open(world.inbox.link())
    answer = await owner.send({"password": PASSWORD})
    assert answer.status_code == 422
    answer = await world.browser().sign_in(ADA, "the attacker's own")
    assert "Confirm your address" in answer.text
    assert not [name for name in answer.cookies if name.startswith("session")]


async def test_a_password_is_reset_by_a_link_that_works_once_and_ends_every_session(
    world: World,
) -> None:
    browser = await world.user(ADA)
    other = world.browser()
    await other.open(f"{world.path}/reset")
    answer = await other.send({"email": ADA})
    await world.mailed()
    count = len(world.inbox.mails)
    unknown = world.browser()
    await unknown.open(f"{world.path}/reset")
    nobody = await unknown.send({"email": "nobody@example.com"})
    await world.mailed()
    assert nobody.text.replace("nobody@example.com", ADA) == answer.text
    assert len(world.inbox.mails) == count

    link = world.inbox.link()
    await other.open(link)
    assert (await other.send({"new-password": "short"})).status_code == 422
    answer = await other.send({"new-password": "a newer password"})
    assert "Your password is set" in answer.text
    assert not await browser.is_signed_in()
    assert (await other.open(link)).status_code == 400
    assert (await world.browser().sign_in(ADA)).status_code == 422
    assert (await world.browser().sign_in(ADA, "a newer password")).status_code == 303
    assert (await world.mailed()).subject.endswith("was changed")


async def test_links_expire(world: World) -> None:
    browser = world.browser()
    await browser.sign_up(ADA)
    await world.mailed()
    await browser.open(world.inbox.link())
    world.clock.advance(86_401)
    assert (await browser.send({"password": PASSWORD})).status_code == 400


async def test_changing_the_password_ends_the_other_sessions_and_keeps_this_one(
    world: World,
) -> None:
    here, there = await world.user(ADA), world.browser()
    await there.sign_in(ADA)
    assert await there.is_signed_in()
    await here.open(f"{world.path}/account")
    wrong = await here.send({"password": "not this", "new-password": "a newer password"})
    assert "This is not your password" in wrong.text
    right = await here.send({"password": PASSWORD, "new-password": "a newer password"})
    assert "Your password is changed" in right.text
    assert await here.is_signed_in()
    assert not await there.is_signed_in()


@pytest.mark.parametrize(("values", "is_left"), [({}, True), ({"everywhere": "yes"}, False)])
async def test_signing_out_revokes_the_session_itself(
    world: World, values: dict[str, str], is_left: bool
) -> None:
    here, there = await world.user(ADA), world.browser()
    await there.sign_in(ADA)
    kept = dict(here.client.cookies)
    await here.open(f"{world.path}/account")
    assert (await here.send(values, form=1)).status_code == 303
    here.client.cookies.update(kept)
    assert not await here.is_signed_in()
    assert await there.is_signed_in() is is_left


async def test_a_session_ends_when_it_is_not_used_and_at_its_absolute_end(world: World) -> None:
    day = 86_400
    browser = await world.user(ADA)
    for _ in range(4):
        world.clock.advance(6 * day)
        assert await browser.is_signed_in()
    world.clock.advance(6.5 * day)
    assert not await browser.is_signed_in()
    idle = world.browser()
    await idle.sign_in(ADA)
    world.clock.advance(7 * day + 1)
    assert not await idle.is_signed_in()


async def test_a_session_that_a_stranger_planted_is_not_the_one_that_is_signed_in(
    world: World,
) -> None:
    await world.user(ADA)
    name, planted = f"session-{world.project.id}", "x" * 43
    browser = world.browser()
    browser.client.cookies.set(name, planted, domain="127.0.0.1", path="/")
    await browser.sign_in(ADA)
    assert browser.client.cookies.get(name, domain="127.0.0.1", path="/") != planted
    assert await browser.is_signed_in()


async def test_accounts_of_two_projects_are_two_accounts(world: World) -> None:
    browser = await world.user(ADA)
    other = await world.neighbour()
    page = await browser.open(f"/auth/{other.publishable_key}/account")
    assert page.headers["location"].endswith("/sign-in")
    browser.client.cookies.set(
        f"session-{other.project.id}", browser.client.cookies[f"session-{world.project.id}"]
    )
    assert (await browser.open(f"/auth/{other.publishable_key}/account")).status_code == 303
    code = code_in(await browser.open(f"{world.path}/sign-in", redirect_url=BACK))
    assert (await other.exchange(code)).json()["code"] == "invalid_code"
    assert (await world.exchange(code)).json()["code"] == "invalid_code"


async def test_a_code_works_once_for_a_minute_and_for_its_own_address(world: World) -> None:
    browser = await world.user(ADA)

    async def code() -> str:
        return code_in(await browser.open(f"{world.path}/sign-in", redirect_url=BACK))

    first = await code()
    assert (await world.exchange(first)).status_code == 200
    assert (await world.exchange(first)).json()["code"] == "invalid_code"
    assert (await world.exchange(await code(), redirectUrl=APP)).status_code == 400
    late = await code()
    world.clock.advance(61)
    assert (await world.exchange(late)).status_code == 400
    assert (await world.exchange("x" * 43)).status_code == 400


async def test_an_unknown_key_is_a_page_that_is_not_there(world: World) -> None:
    browser = world.browser()
    for path in ("/auth/pk_test_unknown/sign-in", "/auth", "/auth/", f"{world.path}/nothing"):
        assert (await browser.open(path)).status_code == 404
    assert (await browser.client.put(f"{world.path}/sign-in")).status_code == 405


async def test_an_address_is_the_same_however_it_is_spelt(world: World) -> None:
    await world.user(ADA)
    assert (await world.browser().sign_in("  Ada@EXAMPLE.com ")).status_code == 303


async def test_a_password_is_hashed_anew_when_the_parameters_have_changed(tmp_path: Path) -> None:
    store, keys = f"sqlite:///{tmp_path}/gateway.db", (mint_key(),)
    async with open_world(store, {}, keys) as world:
        browser = await world.user(ADA)
        assert "m=8," in await stored_password(world)
    async with open_world(store, {"argon2_memory": 16}, keys) as opened:
        again = replace(opened, publishable_key=world.publishable_key, project=world.project)
        browser = again.browser()
        assert (await browser.sign_in(ADA)).status_code == 303
        assert "m=16," in await stored_password(again)
        assert (await again.browser().sign_in(ADA)).status_code == 303


async def test_no_secret_is_stored_as_it_is(world: World) -> None:
    browser = await world.user(ADA)
    session = browser.client.cookies[f"session-{world.project.id}"]
    code = code_in(await browser.open(f"{world.path}/sign-in", redirect_url=BACK))
    async with world.gateway.records.read() as connection:
        rows: list[object] = []
        for table in (accounts, sessions, tickets):
            rows += (await connection.execute(select(table))).all()
    kept = repr(rows)
    for secret in (PASSWORD, session, code):
        assert secret not in kept


async def stored_password(world: World) -> str:
    async with world.gateway.records.read() as connection:
        return str((await connection.execute(select(accounts.c.password))).scalar())

"""`/dashboard`: signing in and out, projects, and what is not let in."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from tests.dashboard.conftest import OPERATOR
from tests.local.conftest import PASSWORD

from dream_gateway.records import dashboard_sessions
from dream_gateway.records.schema import developers

if TYPE_CHECKING:
    from tests.dashboard.conftest import Board

PROJECT = {"name": "Weather", "type": "saas", "mode": "test"}


async def test_somebody_signs_up_makes_a_project_and_sees_its_keys_once(board: Board) -> None:
    ada = await board.signed_up()
    assert await board.walk(ada, "/dashboard") == "/dashboard/new"
    answer = await ada.send(PROJECT, form=1)
    assert answer.status_code == 201
    assert len(set(re.findall(r"sk_test_\w{36}", answer.text))) == 1
    path = await board.walk(ada, "/dashboard")
    assert path.startswith("/dashboard/prj_")
    assert "sk_test_" not in ada.shown
    assert "Weather" in ada.shown


async def test_a_form_that_is_sent_twice_makes_one_project(board: Board) -> None:
    ada = await board.developer()
    await ada.open("/dashboard/new")
    form = ada.shown
    for _ in range(2):
        ada.shown = form
        answer = await ada.send(PROJECT, form=1)
        assert answer.status_code == 201
    assert "sk_test_" not in answer.text
    assert "made before" in answer.text
    await board.walk(ada, "/dashboard")
    assert ada.shown.count('class="mode test"') == 2  # In the bar, and in the list below it.


async def test_what_the_api_refuses_is_beside_its_field(board: Board) -> None:
    ada = await board.developer()
    await ada.open("/dashboard/new")
    answer = await ada.send({**PROJECT, "name": " "}, form=1)
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text
    assert 'aria-invalid="true"' in answer.text


async def test_nobody_sees_a_page_without_signing_in_and_comes_to_it_after(board: Board) -> None:
    ada = await board.developer()
    project = await board.project(ada)
    stranger = board.browser()
    answer = await stranger.open(f"/dashboard/{project}/start")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/dashboard/sign-in?next=%2Fdashboard%2F{project}%2Fstart"
    grace = await board.developer("grace@example.com")
    assert (await grace.open(f"/dashboard/{project}/start")).status_code == 404


async def test_a_form_without_its_token_or_from_elsewhere_changes_nothing(board: Board) -> None:
    ada = await board.developer()
    await ada.open("/dashboard/new")
    token = ada.shown.rpartition('name="token" value="')[2].partition('"')[0]
    own = {"origin": board.world.url}
    evil = {"origin": "https://evil.example.com"}
    for more, headers in (({}, own), ({"token": "x" * 64}, own), ({"token": token}, evil)):
        answer = await ada.client.post("/dashboard/new", data={**PROJECT, **more}, headers=headers)
        assert answer.status_code == 403
    assert await board.walk(ada, "/dashboard") == "/dashboard/new"
    answer = await ada.client.post("/dashboard/new", data={**PROJECT, "token": token}, headers=own)
    assert answer.status_code == 201


async def test_a_link_fills_in_no_form(board: Board) -> None:
    ada = await board.developer()
    project = await board.project(ada)
    evil = "https://evil.example.com"
    for page in ("appearance", "team", "customers/new", "webhooks"):
        fields = "origins", "email", "name", "externalId", "url", "displayName"
        link = "&".join(f"{each}={evil}" for each in fields)
        answer = await ada.open(f"/dashboard/{project}/{page}?{link}")
        assert answer.status_code == 200
        assert 'method="post"' in answer.text
        assert evil not in answer.text, page


async def test_a_token_in_the_address_is_none(board: Board) -> None:
    ada = await board.developer()
    await ada.open("/dashboard/new")
    token = ada.shown.rpartition('name="token" value="')[2].partition('"')[0]
    answer = await ada.client.post(
        f"/dashboard/new?token={token}", data=PROJECT, headers={"origin": board.world.url}
    )
    assert answer.status_code == 403
    assert await board.walk(ada, "/dashboard") == "/dashboard/new"


async def test_a_session_ends_at_sign_out_and_by_time(board: Board) -> None:
    ada = await board.developer()
    await ada.open("/dashboard/new")
    before = dict(ada.client.cookies)
    assert (await ada.send({})).status_code == 303
    assert (await ada.open("/dashboard/new")).status_code == 303
    ada.client.cookies.update(before)
    assert (await ada.open("/dashboard/new")).status_code == 303

    grace = await board.developer("grace@example.com")
    idle = board.gateway.settings.dashboard_idle
    for gone in (idle - 1, idle - 1):
        board.world.clock.advance(gone)
        assert (await grace.open("/dashboard/new")).status_code == 200
    board.world.clock.advance(idle + 1)
    assert (await grace.open("/dashboard/new")).status_code == 303


async def test_signing_out_ends_the_session_that_would_sign_in_again(board: Board) -> None:
    ada = await board.signed_up()
    there = board.browser()
    there.client.cookies.update(ada.client.cookies)
    await ada.open("/dashboard/new")
    assert (await ada.send({}, ada.form("/sign-out"))).status_code == 303
    path = await board.walk(ada, "/dashboard/sign-in/local")
    assert path.startswith("/auth/platform/sign-in?")
    assert 'name="password"' in ada.shown
    # The cookie that was copied before does not help either.
    assert (await there.open("/auth/platform/account")).status_code == 303
    answer = await ada.send({"email": "ada@example.com", "password": PASSWORD})
    back = answer.headers["location"].removeprefix(board.world.url)
    assert await board.walk(ada, back) == "/dashboard/new"


@pytest.mark.parametrize("way", ["reset", "password", "everywhere", "deleted", "one"])
async def test_a_developers_sessions_end_with_those_of_their_account(
    board: Board, way: str
) -> None:
    grace = await board.signed_up("grace@example.com")
    ada = await board.signed_up()
    there = board.browser()
    there.client.cookies.update(ada.client.cookies)
    provider = board.world.site.parts.provider
    new = {"new-password": "a newer password"}
    await ada.open("/auth/platform/account")
    match way:
        case "reset":
            await ada.open("/auth/platform/reset")
            await ada.send({"email": "ada@example.com"})
            await board.world.mailed()
            await ada.open(board.world.inbox.link())
            assert "Your password is set" in (await ada.send(new)).text
        case "password":
            answer = await ada.send({"password": PASSWORD, **new}, ada.form("/password"))
            assert "Your password is changed" in answer.text
        case "everywhere":
            await ada.send({"everywhere": "yes"}, ada.form("/sign-out"))
        case "deleted":
            account = await provider.find("platform", "ada@example.com")
            assert account is not None
            await provider.delete(account.id)
        case _:
            await ada.send({}, ada.form("/sign-out"))
    expected = 200 if way == "one" else 303
    assert (await there.open("/dashboard/new")).status_code == expected
    assert (await grace.open("/dashboard/new")).status_code == 200


async def test_what_scripts_ask_by_themselves_keeps_no_session(board: Board) -> None:
    ada = await board.developer()
    project = await board.project(ada)
    idle = board.gateway.settings.dashboard_idle
    board.world.clock.advance(idle - 100)
    live = f"/dashboard/{project}/live"
    assert (await ada.client.get(live)).status_code == 200
    board.world.clock.advance(200)
    assert (await ada.client.get(live)).status_code == 303


async def test_a_page_that_refreshes_itself_keeps_no_session(board: Board) -> None:
    ada = await board.developer()
    project = await board.project(ada)
    start, idle = f"/dashboard/{project}/start", board.gateway.settings.dashboard_idle
    script = (await board.browser().open("/dashboard/static/app.js")).text
    assert '"X-By-Itself": "1"' in script
    parts = {"x-part": "steps", "x-by-itself": "1"}
    for _ in range(3):
        assert (await ada.client.get(start, headers=parts)).status_code == 200
        board.world.clock.advance(idle / 3)
    assert (await ada.client.get(start, headers=parts)).status_code == 303


async def test_a_sign_in_that_began_in_another_browser_is_begun_again(board: Board) -> None:
    await board.walk(board.browser(), "/dashboard/sign-in/local?new=1")
    victim = board.browser()
    answer = await victim.open("/dashboard/signed-in/local?code=abc&state=def")
    assert answer.headers["location"] == "/dashboard/sign-in?done=restart"
    assert "dashboard" not in victim.client.cookies


async def test_the_operator_signs_in_by_a_token_of_the_settings(board: Board) -> None:
    somebody = board.browser()
    await somebody.open("/operator/sign-in")
    assert (await somebody.send({"operator-token": "no such token"})).status_code == 422
    answer = await somebody.send({"operator-token": OPERATOR})
    assert answer.headers["location"] == "/operator"
    assert "operator" in somebody.client.cookies


async def test_the_operators_api_is_still_there(board: Board) -> None:
    browser = board.browser()
    headers = {"authorization": f"Bearer {OPERATOR}"}
    answer = await browser.client.get("/operator/platforms", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["data"][0]["name"] == "Acme"


async def test_pages_have_a_strict_policy_and_files_a_version(board: Board) -> None:
    answer = await board.browser().open("/dashboard/sign-in")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    style = answer.text.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    file = await board.browser().open(style)
    assert "immutable" in file.headers["cache-control"]
    assert file.headers["content-type"].startswith("text/css")


async def test_a_link_signs_in_once_and_is_no_session_itself(board: Board) -> None:
    ada = await board.developer()
    project = await board.project(ada)
    async with board.gateway.records.write("test") as writer:
        (developer,) = (await writer.connection.execute(select(developers.c.id))).scalars()
        digest = sha256(b"a secret").digest()
        await dashboard_sessions.issue_link(writer, digest, developer, writer.now + 60)
    thief = board.browser()
    thief.client.cookies.set("dashboard", "a secret")
    assert (await thief.open("/dashboard/new")).status_code == 303
    link = f"/dashboard/link?code=a%20secret&next=/dashboard/{project}/start"
    assert await board.walk(board.browser(), link) == f"/dashboard/{project}/start"
    assert await board.walk(board.browser(), link) == "/dashboard/sign-in?done=stale"


async def test_a_link_leads_to_the_dashboard_and_nowhere_else(board: Board) -> None:
    for there in ("https://evil.example.com/", "//evil.example.com", "/dashboard/\\evil", "/auth"):
        answer = await board.browser().open("/dashboard/sign-in", next=there)
        assert 'next=/dashboard"' in answer.text

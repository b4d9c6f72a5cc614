"""What other sites try: forged forms, open redirects, tokens for whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.local.conftest import APP, BACK, PASSWORD, brand

from dream_gateway.model import Branding
from dream_gateway.origins import is_own, origin_of
from dream_gateway_local.redirects import is_allowed, with_parameters

if TYPE_CHECKING:
    from tests.local.conftest import World

ADA = "ada@example.com"
EVIL = "https://evil.example.net"

ELSEWHERE = (
    EVIL,
    f"{EVIL}/?{APP}",
    "//evil.example.net/",
    "/\\evil.example.net",
    f"{APP}.evil.example.net/",
    f"{APP}@evil.example.net/",
    "https://app.example.com:444/",
    "http://app.example.com/",
    "https://app.example.com\\@evil.example.net/",
    "https:/evil.example.net",
    "javascript:alert(1)",
    "data:text/html,hello",
    "https://app.example.com\t.evil.example.net/",
    "https://xn--app-.example.com/",
    "https://аpp.example.com/",  # noqa: RUF001 - a letter that only looks like an a
    "/auth/platform/account",
)


async def test_nobody_is_sent_to_an_address_that_is_not_allowed(world: World) -> None:
    browser, stranger = await world.user(ADA), world.browser()
    page = await stranger.open(f"{world.path}/sign-in")
    for url in ELSEWHERE:
        for name in ("sign-in", "sign-up"):
            answer = await browser.open(f"{world.path}/{name}", redirect_url=url)
            assert answer.status_code == 400, url
            assert "location" not in answer.headers
        stranger.shown = page.text
        answer = await stranger.send({"email": ADA, "password": PASSWORD, "redirect_url": url})
        assert answer.status_code == 400, url
        assert not stranger.client.cookies.get(f"session-{world.project.id}")


async def test_an_origin_that_is_taken_off_the_list_gets_nobody_any_more(world: World) -> None:
    browser = await world.user(ADA)
    assert (await browser.open(f"{world.path}/sign-in", redirect_url=BACK)).status_code == 303
    await brand(world.gateway, world.project, origins=())
    assert (await browser.open(f"{world.path}/sign-in", redirect_url=BACK)).status_code == 400
    assert (await browser.token()).status_code == 403


FORGED: tuple[tuple[dict[str, str], str | None], ...] = (
    ({"origin": EVIL}, None),
    ({"origin": "null"}, None),
    ({"sec-fetch-site": "cross-site"}, None),
    ({"sec-fetch-site": "same-site"}, None),
    ({}, ""),
    ({}, "0" * 64),
)


async def test_a_form_that_another_page_sends_is_refused(world: World) -> None:
    browser = world.browser()
    page = await browser.open(f"{world.path}/sign-in")
    own = page.text.partition('name="token" value="')[2].partition('"')[0]
    values = {"email": ADA, "password": PASSWORD, "new-password": PASSWORD}
    for path in ("sign-in", "sign-up", "reset", "verify", "password", "sign-out"):
        for fields, token in FORGED:
            answer = await browser.client.post(
                f"{world.path}/{path}",
                data={**values, "token": own if token is None else token},
                headers=fields,
            )
            assert answer.status_code == 403, (path, fields, token)
            assert "set-cookie" not in answer.headers


async def test_a_forms_token_is_of_one_browser_and_one_session(world: World) -> None:
    one, other = await world.user(ADA), world.browser()
    await one.open(f"{world.path}/account")
    await other.open(f"{world.path}/sign-in")
    other.shown = one.shown
    answer = await other.send({"password": PASSWORD, "new-password": "a newer password"})
    assert answer.status_code == 403
    kept = one.shown
    await one.open(f"{world.path}/account")
    await one.send({}, form=1)
    one.shown = kept
    assert (await one.send({}, form=1)).status_code == 403


async def test_the_token_is_for_pages_of_allowed_origins_and_for_no_other(world: World) -> None:
    browser = await world.user(ADA)
    answer = await browser.token(APP)
    assert answer.headers["access-control-allow-origin"] == APP
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["cache-control"] == "no-store"
    assert "Origin" in answer.headers["vary"]
    for origin in (EVIL, "null", f"{APP}.evil.example.net"):
        answer = await browser.token(origin)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        assert "eyJ" not in answer.text
    nobody = await world.browser().token(APP)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "missing_credential")
    assert nobody.headers["access-control-allow-origin"] == APP


async def test_a_preflight_tells_who_may_ask(world: World) -> None:
    browser = world.browser()
    for origin, status in ((APP, 204), (EVIL, 403)):
        answer = await browser.client.options(f"{world.path}/token", headers={"origin": origin})
        assert answer.status_code == status
        assert answer.headers.get("access-control-allow-origin") == (APP if status == 204 else None)


async def test_pages_carry_the_fields_that_keep_them_safe(world: World) -> None:
    answer = await world.browser().open(f"{world.path}/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f"form-action 'self' {APP}" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "<script" not in answer.text
    assert "style=" not in answer.text


@pytest.mark.parametrize("options", [{"issuer": "https://id.example.com"}])
async def test_over_https_cookies_are_for_this_host_alone(world: World) -> None:
    answer = await world.browser().open(f"{world.path}/sign-in")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-form=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    metadata = (await world.browser().open("/.well-known/openid-configuration")).json()
    assert metadata["issuer"] == "https://id.example.com"
    assert metadata["jwks_uri"] == "https://id.example.com/.well-known/jwks.json"


async def test_what_is_entered_comes_back_as_text(world: World) -> None:
    browser = world.browser()
    answer = await browser.sign_up('"><script>alert(1)</script>', PASSWORD)
    assert answer.status_code == 422
    assert "<script" not in answer.text
    assert "&#34;&gt;&lt;script&gt;" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert PASSWORD not in answer.text


async def test_only_colours_come_into_the_style(world: World) -> None:
    for accent, expected in (
        ("#0B7A4B", "#0b7a4b"),
        ("red", "#2f5bea"),
        ("#fff;}body{background:url(//x)", "#2f5bea"),
    ):
        look = Branding("Acme", {"primary": accent}, "javascript:alert(1)")
        await brand(world.gateway, world.project, branding=look)
        style = await world.browser().open(f"{world.path}/style.css")
        assert f"--accent: {expected};" in style.text.partition("\n")[0]
        assert "url(" not in style.text
    assert "javascript" not in (await world.browser().open(f"{world.path}/sign-in")).text


@given(st.text(max_size=60))
def test_no_text_is_an_allowed_address_but_one_of_the_origin(rest: str) -> None:
    for url in (rest, APP + rest, "https://" + rest):
        if is_allowed(url, (APP,)):
            assert (
                url == APP or url[len(APP) :][:1] in {"/", "?", "#", ":"} or "app." in url.lower()
            )
            assert origin_of(url) == APP


def test_parameters_are_added_and_replaced() -> None:
    url = with_parameters(f"{APP}/a?x=1&code=old&y=#frag", code="a&b", state="s")
    assert url == f"{APP}/a?x=1&y=&code=a%26b&state=s"


@pytest.mark.parametrize(
    ("origin", "site", "expected"),
    [
        ("http://id.example.com:8787", "same-origin", True),
        (None, "none", True),
        (None, None, True),
        ("https://id.example.com", None, False),
        ("http://id.example.com", None, False),
        ("http://id.example.com:8787", "cross-site", False),
        ("http://ID.example.com:8787", None, True),
    ],
)
def test_own_pages_are_told_by_what_browsers_say(
    origin: str | None, site: str | None, expected: bool
) -> None:
    assert is_own(origin, site, "id.example.com:8787", ()) is expected

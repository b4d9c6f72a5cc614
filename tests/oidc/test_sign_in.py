"""Developers sign in to the dashboard: what the provider is asked, and what is not taken from it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dream_gateway.errors import IdentityUnavailableError, InvalidCodeError
from dream_gateway_oidc.plugin import sign_in
from dream_gateway_oidc.settings import ProviderSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from http.server import BaseHTTPRequestHandler

    from tests.oidc.conftest import Issuer

    from dream_gateway.testing import FakeClock
    from dream_gateway_oidc.sign_in import OidcSignIn

BACK = "https://gateway.example.com/dashboard/signed-in/oidc"
CLIENT, SECRET = "dashboard", "of the client: 100%"


class Desk:
    """The provider's pages: what was asked is answered with a code, and the code, once, with a token."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.asked: dict[str, str] = {}
        self.claims: dict[str, Any] = {}
        self.posts: list[tuple[str, dict[str, str]]] = []
        desk, answers = self, issuer.server.RequestHandlerClass

        class Handler(answers):  # type: ignore[misc,valid-type]  # made by the issuer
            def do_POST(self) -> None:  # noqa: N802 # as http.server asks
                desk.redeem(self)

        issuer.server.RequestHandlerClass = Handler
        document = issuer.documents["/.well-known/openid-configuration"]
        assert isinstance(document, dict)
        document["authorization_endpoint"] = f"{issuer.url}/authorize?realm=staff"
        document["token_endpoint"] = f"{issuer.url}/token"

    def visit(self, url: str) -> dict[str, str]:
        """Sign in on the page; return what the browser comes back with."""
        self.asked = {name: texts[0] for name, texts in parse_qs(urlsplit(url).query).items()}
        return {"code": "the code", "state": self.asked["state"]}

    def redeem(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers["content-length"])
        form = {k: v[0] for k, v in parse_qs(handler.rfile.read(length).decode()).items()}
        self.posts.append((handler.headers.get("authorization", ""), form))
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode()
        fine = challenge.rstrip("=") == self.asked["code_challenge"] and len(self.posts) == 1
        token = self.issuer.token(**{"aud": CLIENT, "nonce": self.asked["nonce"], **self.claims})
        body = json.dumps({"id_token": token} if fine else {"error": "invalid_grant"}).encode()
        handler.send_response(200 if fine else 400)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def desk(issuer: Issuer) -> Desk:
    return Desk(issuer)


@pytest.fixture
async def way(issuer: Issuer, clock: FakeClock) -> AsyncIterator[OidcSignIn]:
    settings = ProviderSettings(
        issuer=issuer.url, audience=("https://api.example.com",), client_id=CLIENT,
        client_secret=SECRET,
    )  # fmt: skip
    made = sign_in(settings, clock)
    yield made
    await made.aclose()


async def test_a_code_is_redeemed_once_by_the_browser_that_asked(
    desk: Desk, way: OidcSignIn, caplog: pytest.LogCaptureFixture
) -> None:
    back = desk.visit(await way.url(BACK, "a state", "a secret", sign_up=True))
    assert desk.asked | {"code_challenge": "", "nonce": ""} == {
        "realm": "staff",
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "scope": "openid email profile",
        "state": "a state",
        "nonce": "",
        "code_challenge": "",
        "code_challenge_method": "S256",
        "prompt": "create",
    }
    found = await way.finish(back, BACK, "a secret")
    assert (found.issuer, found.subject) == (desk.issuer.url, "user-1")
    authorization, form = desk.posts[0]
    assert authorization.startswith("Basic ")
    assert (form["redirect_uri"], form["code"]) == (BACK, "the code")
    with pytest.raises(InvalidCodeError):
        await way.finish(back, BACK, "a secret")
    assert "400, 'invalid_grant'" in caplog.text


@pytest.mark.parametrize(
    "claims", [{"aud": "https://api.example.com"}, {"nonce": "another"}, {"nonce": None}]
)
async def test_a_token_for_somebody_else_or_another_browser_is_not_taken(
    desk: Desk, way: OidcSignIn, claims: dict[str, Any]
) -> None:
    desk.claims = claims
    back = desk.visit(await way.url(BACK, "a state", "a secret", sign_up=False))
    with pytest.raises(InvalidCodeError):
        await way.finish(back, BACK, "a secret")


async def test_what_comes_back_without_a_code_or_from_another_issuer_is_refused(
    desk: Desk, way: OidcSignIn
) -> None:
    back = desk.visit(await way.url(BACK, "a state", "a secret", sign_up=False))
    for parameters in ({}, {"error": "access_denied"}, {**back, "iss": "https://evil.example.com"}):
        with pytest.raises(InvalidCodeError):
            await way.finish(parameters, BACK, "a secret")
    assert desk.posts == []


async def test_another_browsers_secret_does_not_redeem_the_code(
    desk: Desk, way: OidcSignIn
) -> None:
    back = desk.visit(await way.url(BACK, "a state", "a secret", sign_up=False))
    with pytest.raises(InvalidCodeError):
        await way.finish(back, BACK, "another secret")


async def test_a_provider_that_is_away_says_so(issuer: Issuer, way: OidcSignIn) -> None:
    issuer.status = 500
    with pytest.raises(IdentityUnavailableError):
        await way.url(BACK, "a state", "a secret", sign_up=False)
